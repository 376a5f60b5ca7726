# SPDX-License-Identifier: Apache-2.0
"""What programs write to the weights of an encoded model: values, new weights, other sizes, merged adapters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from compressed_models import IDS, compressed, load
from encoded_models import VOCABULARY, dense_folder, outputs
from safetensors.torch import load_file
from torch import Tensor
from transformers import initialization


def set_rows(weight: Tensor) -> None:
    weight[5] = 1


def set_data(weight: Tensor) -> None:
    weight.data = torch.ones(VOCABULARY, 32)


def set_rows_of_data(weight: Tensor) -> None:
    weight.data[5] = 1


def add_to_data(weight: Tensor) -> None:
    weight.data += 1


WRITES: dict[str, Callable[[Tensor], Any]] = {
    "rows": set_rows,
    "data": set_data,
    "rows of data": set_rows_of_data,
    "sum of data": add_to_data,
    "copy": lambda weight: weight.copy_(torch.ones(VOCABULARY, 32)),
    "copy into data": lambda weight: weight.data.copy_(torch.ones(VOCABULARY, 32)),
    "copy into detached": lambda weight: weight.detach().copy_(torch.ones(VOCABULARY, 32)),
    "filled rows": lambda weight: weight.index_fill_(0, torch.tensor([5]), 1.0),
    "initialization": torch.nn.init.ones_,
    "output of a sum": lambda weight: torch.add(weight, 1, out=weight),
    "many tensors": lambda weight: torch._foreach_add_([weight], 1.0),
}


@pytest.mark.parametrize("method", ["svd", "codes"])
@torch.no_grad()
def test_a_write_takes_effect_in_all_tied_layers(method: str, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method)
    for name, write in WRITES.items():
        model = load("bert_masked", folder)
        weight = model.get_input_embeddings().weight
        expected = (weight + 0).detach().clone()
        write(expected)
        write(weight)
        assert type(model.get_input_embeddings()) is torch.nn.Embedding, name
        assert torch.equal(model.get_input_embeddings().weight, expected), name
        assert torch.equal(weight + 0, expected), name
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight, name
        model.tie_weights()
        outputs(model)


@torch.no_grad()
def test_a_write_to_a_view_of_a_decoded_matrix_raises(tmp_path: Path) -> None:
    weight = load("bert", compressed("bert", tmp_path / "small", "codes")).get_input_embeddings().weight
    views: list[Callable[[], Tensor]] = [
        lambda: weight[5],
        lambda: weight.T,
        lambda: weight.data[2:4],
        lambda: weight.view(-1),
    ]
    for view in views:
        with pytest.raises(RuntimeError, match="view of an encoded weight"):
            view().zero_()
    with pytest.raises(ValueError, match="read-only"):
        weight.numpy()[0] = 1
    before = weight[5].clone()
    initialization.zeros_(weight[5])  # as some models do with the row of the padding while they are loaded
    assert torch.equal(weight[5], before)
    (weight * 2)[5] = 0  # memory of its own
    assert weight.to(torch.float32) is weight


def test_a_new_weight_makes_the_layer_dense(tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "svd"))
    before = model.get_output_embeddings().weight + 0
    model.get_input_embeddings().weight = torch.nn.Parameter(torch.ones(VOCABULARY, 32))
    assert torch.equal(model.get_input_embeddings()(IDS), torch.ones(2, 8, 32))
    assert torch.equal(model.get_output_embeddings().weight + 0, before)


def test_a_dense_state_is_loaded(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    state = load_file(dense_folder("bert") / "model.safetensors")
    model.load_state_dict(state)
    assert torch.equal(model.get_input_embeddings().weight, state["embeddings.word_embeddings.weight"])


@pytest.mark.parametrize("family", ["bert", "bert_masked", "t5"])
@pytest.mark.parametrize("method", ["svd", "subspaces", "codes"])
@pytest.mark.parametrize("tokens", [VOCABULARY + 8, VOCABULARY - 5])
def test_tables_are_resized(family: str, method: str, tokens: int, tmp_path: Path) -> None:
    model = load(family, compressed(family, tmp_path / "small", method))
    before = (model.get_input_embeddings().weight + 0).detach()
    model.resize_token_embeddings(tokens)
    common = min(tokens, VOCABULARY)
    assert torch.equal(model.get_input_embeddings().weight[:common], before[:common])
    assert model.get_input_embeddings()(torch.tensor([tokens - 1])).shape == (1, 32)
    model.save_pretrained(tmp_path / "saved")
    again = load(family, tmp_path / "saved")
    ids = IDS % common
    options = {"decoder_input_ids": ids} if family == "t5" else {}
    with torch.no_grad():
        assert torch.equal(model(ids, **options)[0], again(ids, **options)[0])


def test_tied_weights_have_one_address(tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "codes"))
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert table.weight.data_ptr() == head.weight.data_ptr() == table.weight.data_ptr()
    other = model.bert.encoder.layer[0].attention.self.query
    assert table.weight.data_ptr() != other.weight.data_ptr()


@pytest.mark.parametrize("method", ["svd", "subspaces", "codes"])
@pytest.mark.parametrize("memory", ["dense", "small"])
def test_merged_adapters_give_the_adapted_model(method: str, memory: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", method, selection="all"), memory=memory)
    config = peft.LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False)
    adapted = peft.get_peft_model(model, config)
    expected = outputs(adapted)
    merged = adapted.merge_and_unload()
    torch.testing.assert_close(outputs(merged), expected, rtol=1e-4, atol=1e-4)
    merged.save_pretrained(tmp_path / "merged")
    assert torch.equal(outputs(load("bert_masked", tmp_path / "merged", memory=memory)), outputs(merged))
