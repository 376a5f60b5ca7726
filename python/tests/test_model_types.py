# SPDX-License-Identifier: Apache-2.0
"""Model types whose tensors transformers merges, splits or uses in modules of its own, compressed with --all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import numpy_reader
import pytest
import torch
import transformers
from loewner.transformers import EncodedMatrix
from safetensors.numpy import load_file

_SMALL: dict[str, Any] = dict(
    vocab_size=400,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    pad_token_id=0,
)

# class of the model, its configuration
MODELS: dict[str, tuple[str, Callable[[], transformers.PreTrainedConfig]]] = {
    "merged experts": (
        "MixtralForCausalLM",
        lambda: transformers.MixtralConfig(**_SMALL, num_local_experts=4),
    ),
    "merged experts beside a shared one": (
        "Qwen2MoeForCausalLM",
        lambda: transformers.Qwen2MoeConfig(
            **_SMALL, moe_intermediate_size=48, shared_expert_intermediate_size=48, num_experts=4, num_experts_per_tok=2
        ),
    ),
    "split projections": ("NomicBertModel", lambda: transformers.NomicBertConfig(**_SMALL)),
    "router that is not a linear layer": (
        "GptOssForCausalLM",
        lambda: transformers.GptOssConfig(**_SMALL, head_dim=16, num_local_experts=4, num_experts_per_tok=2),
    ),
    "merged router": (
        "GraniteMoeForCausalLM",
        lambda: transformers.GraniteMoeConfig(**_SMALL, num_local_experts=4, num_experts_per_tok=2),
    ),
}


@pytest.fixture(params=MODELS, ids=lambda name: str(name).replace(" ", "_"), scope="module")
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The model class, and a folder with `model`, `encoded` and `dense`: the last is the expanded second."""
    name, configuration = MODELS[request.param]
    model_class = getattr(transformers, name)
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    model_class(configuration()).save_pretrained(folder / "model")
    loewner.compress(folder / "model", folder / "encoded", bits=6, selection="all")
    assert loewner.verify(folder / "encoded", folder / "model").holds
    loewner.expand(folder / "encoded", folder / "dense")
    return model_class, folder


def outputs(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result = model.eval()(input_ids=torch.arange(3, 19).view(2, 8))
    found: torch.Tensor = result.logits if "logits" in result else result.last_hidden_state
    return found


def test_matrices_of_all_experts_are_encoded(folders: tuple[Any, Path]) -> None:
    _, folder = folders
    tensors = json.loads((folder / "encoded" / "config.json").read_text())["quantization_config"]["tensors"]
    dense = load_file(folder / "dense" / "model.safetensors")
    stacks = [name for name, array in dense.items() if array.ndim == 3]
    assert all(tensors[name]["role"] == "experts" for name in stacks)
    decoded = numpy_reader.decode_folder(folder / "encoded")
    for name in stacks:
        np.testing.assert_allclose(decoded[name], dense[name], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("memory", ["dense", "small"])
def test_loads_with_the_outputs_of_the_dense_model(folders: tuple[Any, Path], memory: Any) -> None:
    model_class, folder = folders
    dense = model_class.from_pretrained(folder / "dense")
    encoded = loewner.load(folder / "encoded", memory=memory, model_class=model_class)
    assert any(isinstance(module, EncodedMatrix) for module in encoded.modules())
    torch.testing.assert_close(outputs(encoded), outputs(dense), rtol=1e-4, atol=1e-5)


def test_parameters_are_those_of_the_dense_model(folders: tuple[Any, Path]) -> None:
    model_class, folder = folders
    encoded = model_class.from_pretrained(folder / "encoded")
    encoded.dequantize()
    dense = model_class.from_pretrained(folder / "dense").state_dict()
    assert encoded.state_dict().keys() == dense.keys()
    for name, value in encoded.state_dict().items():
        torch.testing.assert_close(value, dense[name], rtol=1e-5, atol=1e-6, msg=name)


def test_saved_and_loaded_again_is_the_same_model(folders: tuple[Any, Path], tmp_path: Path) -> None:
    model_class, folder = folders
    encoded = loewner.load(folder / "encoded", memory="small", model_class=model_class)
    encoded.save_pretrained(tmp_path)
    again, loading = loewner.load(tmp_path, memory="small", model_class=model_class, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["mismatched_keys"]
    torch.testing.assert_close(outputs(again), outputs(encoded), rtol=1e-4, atol=1e-5)
    encoded.dequantize()  # also after the model was saved
    torch.testing.assert_close(outputs(again), outputs(encoded), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("memory", ["dense", "small"])
@pytest.mark.parametrize(
    ("name", "configuration"),
    [
        ("FalconForCausalLM", lambda: transformers.FalconConfig(**_SMALL, alibi=False)),
        ("MambaForCausalLM", lambda: transformers.MambaConfig(vocab_size=400, hidden_size=64, num_hidden_layers=2)),
    ],
)
def test_layers_in_16_bits_serve_models_that_multiply_their_weights(
    name: str, configuration: Callable[[], Any], memory: Any, tmp_path: Path
) -> None:
    model_class = getattr(transformers, name)
    model_class(configuration()).save_pretrained(tmp_path / "model")
    loewner.compress(tmp_path / "model", tmp_path / "encoded", keep=0.6, selection="all", method="dense")
    loewner.expand(tmp_path / "encoded", tmp_path / "dense")
    encoded = loewner.load(tmp_path / "encoded", memory=memory, model_class=model_class)
    assert encoded.dtype == torch.float32
    expected = outputs(model_class.from_pretrained(tmp_path / "dense"))
    # Mamba rounds the inputs of its head to the head's 16 bits.
    torch.testing.assert_close(outputs(encoded), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
