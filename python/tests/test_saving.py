# SPDX-License-Identifier: Apache-2.0
"""What save_pretrained, pickle and copies keep of an encoded model."""

from __future__ import annotations

import copy
import io
import json
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
import torch
from compressed_models import compressed, load
from encoded_models import VOCABULARY, dense_folder, outputs
from loewner.transformers import EncodedMatrix
from safetensors.torch import load_file
from tokenized_models import model_with_tokenizer, text
from transformers.core_model_loading import GroupWeightRename


def weight_bytes(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize("method", ["codes", "int8"])
def test_layers_decoded_while_loading_are_saved_encoded(method: str, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method, selection="all")
    model = load("bert_masked", folder, memory="dense")
    layer = model.bert.encoder.layer[0].attention.self.query
    assert not isinstance(layer, EncodedMatrix)
    model.save_pretrained(tmp_path / "saved")
    assert load_file(folder / "model.safetensors").keys() == load_file(tmp_path / "saved" / "model.safetensors").keys()
    assert weight_bytes(tmp_path / "saved") <= weight_bytes(folder)
    assert torch.equal(outputs(load("bert_masked", tmp_path / "saved", memory="dense")), outputs(model))
    loewner.expand(tmp_path / "saved", tmp_path / "dense")
    with torch.no_grad():
        layer.weight.data[0] = 1
    model.save_pretrained(tmp_path / "changed")
    assert "bert.encoder.layer.0.attention.self.query.weight" in load_file(tmp_path / "changed" / "model.safetensors")
    assert torch.equal(outputs(load("bert_masked", tmp_path / "changed", memory="dense")), outputs(model))


def test_empty_arrays_are_saved(tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", "codes", selection="all")
    model = load("bert_masked", folder, memory="small")
    for _, module in model.named_modules():
        if isinstance(module, EncodedMatrix):
            module.spec["code_bytes"] = 0
            module.codes = torch.nn.Parameter(torch.empty(0, 1, dtype=torch.uint8), requires_grad=False)
    model.save_pretrained(tmp_path / "saved")
    saved, stored = (load_file(f / "model.safetensors") for f in (tmp_path / "saved", folder))
    assert saved.keys() == stored.keys()


def test_matrices_of_0_bits_are_loaded_and_saved(tmp_path: Path) -> None:
    options: dict[str, Any] = {"selection": "all", "text": "none", "max_error": 0.999999}
    loewner.compress(dense_folder("bert_masked"), tmp_path / "small", method="codes", **options)
    model = load("bert_masked", tmp_path / "small", memory="small")
    table = model.get_input_embeddings()
    assert table.spec["code_bytes"] == table.codes.numel() == 0
    assert torch.equal(table.weight.clone(), table(torch.arange(VOCABULARY)))
    layer, head = model.bert.encoder.layer[0].attention.self.query, model.get_output_embeddings()
    assert layer.weight.data_ptr() != table.weight.data_ptr() == head.weight.data_ptr()  # empty arrays have one address
    copy.deepcopy(model).save_pretrained(tmp_path / "saved")
    again = load("bert_masked", tmp_path / "saved", memory="small")
    assert torch.equal(outputs(again), outputs(model))
    assert again.get_output_embeddings().codes is again.get_input_embeddings().codes


def test_another_process_computes_with_a_loaded_model(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    loewner.compress(dense_folder("bert_masked"), folder, method="codes", keep=0.3, selection="all")
    model = load("bert_masked", folder)
    expected = outputs(model)  # the model has state of this process by now
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(outputs, model).result(timeout=120)
    assert torch.equal(found, expected)


def test_a_sentence_encoder_is_saved_encoded(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder, saved = tmp_path / "small", tmp_path / "saved"
    model = model_with_tokenizer("bert", tmp_path / "model")
    loewner.compress(model, folder, method="codes", keep=0.3, selection="all", text="none")
    encoder: Any = SentenceTransformer(str(folder), device="cpu")
    vectors = encoder.encode(text(3))
    encoder.save(str(saved))
    assert load_file(saved / "model.safetensors").keys() == load_file(folder / "model.safetensors").keys()
    assert weight_bytes(saved) < 1.01 * weight_bytes(folder)  # headers differ
    assert np.array_equal(SentenceTransformer(str(saved), device="cpu").encode(text(3)), vectors)
    encoder[0].auto_model.dequantize()
    encoder.save(str(tmp_path / "dense"))
    assert weight_bytes(tmp_path / "dense") > 2 * weight_bytes(folder)


def through_torch_save(model: Any) -> Any:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("memory", ["dense", "small"])
def test_a_used_model_can_be_copied(memory: str, tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "codes", selection="all"), memory=memory)
    expected = outputs(model)
    duplicates: list[Callable[[Any], Any]] = [
        copy.deepcopy,
        lambda value: pickle.loads(pickle.dumps(value)),
        through_torch_save,
    ]
    for duplicate in duplicates:
        other = duplicate(model)
        assert torch.equal(outputs(other), expected)
        other.resize_token_embeddings(VOCABULARY + 1)  # the copy knows its ties
        assert other.get_output_embeddings().weight is other.get_input_embeddings().weight


def test_names_that_depend_on_each_other_are_reverted_together(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes", selection="all"), memory="small")
    # A model like Kimi K2.5: while saving, the second name is reverted only after the first one was met.
    model._weight_conversions = [GroupWeightRename(["self.old0", "self.old1"], ["self.key", "self.query"])]
    model.save_pretrained(tmp_path / "saved")
    stored = load_file(tmp_path / "saved" / "model.safetensors")
    tensors = json.loads((tmp_path / "saved" / "config.json").read_text())["quantization_config"]["tensors"]
    assert "encoder.layer.0.attention.self.old1.codes" in stored
    assert all(f"{name.removesuffix('weight')}codes" in stored for name in tensors)
