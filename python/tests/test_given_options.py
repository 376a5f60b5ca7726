# SPDX-License-Identifier: Apache-2.0
"""Options of from_pretrained with which encoded models are loaded as dense ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
import transformers as untyped_transformers
from compressed_models import compressed, load
from encoded_models import outputs
from safetensors.torch import load_file, save_file

transformers: Any = untyped_transformers


def test_names_are_mapped_as_the_caller_says(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes", selection="all")
    expected = outputs(load("bert", folder))
    state, config = load_file(folder / "model.safetensors"), json.loads((folder / "config.json").read_text())
    save_file({f"old.{name}": array for name, array in state.items()}, folder / "model.safetensors", {"format": "pt"})
    quantization = config["quantization_config"]
    quantization["tensors"] = {f"old.{name}": spec for name, spec in quantization["tensors"].items()}
    (folder / "config.json").write_text(json.dumps(config))
    found = outputs(load("bert", folder, key_mapping={r"^old\.": ""}))
    assert torch.equal(found, expected)


@pytest.mark.parametrize("tied", [True, False])
def test_a_state_that_the_caller_loaded_is_merged(tied: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        vocab_size=400,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        tie_word_embeddings=tied,
    )
    model_class = transformers.MixtralForCausalLM
    model_class(config).save_pretrained(tmp_path / "model")
    loewner.compress(tmp_path / "model", tmp_path / "small", bits=6, selection="all")
    expected = outputs(model_class.from_pretrained(tmp_path / "small"))
    config = transformers.AutoConfig.from_pretrained(tmp_path / "small")
    state = load_file(tmp_path / "small" / "model.safetensors")
    assert any(".experts." in name and name.endswith(".codes") for name in state)
    model, info = model_class.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert torch.equal(outputs(model.eval()), expected)
    state.pop(next(name for name in state if name.endswith(".codes")))
    with pytest.raises(ValueError, match="is not in the checkpoint"):
        model_class.from_pretrained(None, config=config, state_dict=state)
