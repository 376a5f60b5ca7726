# SPDX-License-Identifier: Apache-2.0
"""What programs write to the weights of an encoded model: values, new weights, other sizes, merged adapters."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
from compressed_models import IDS, compressed, load
from encoded_models import VOCABULARY, dense_folder, outputs
from loewner.transformers import EncodedMatrix
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import initialization

TORCH: Any = torch  # its stubs lack some functions


def set_rows(weight: Tensor) -> None:
    weight[5] = 1


def set_data(weight: Tensor) -> None:
    weight.data = torch.ones(VOCABULARY, 32)


def set_rows_of_data(weight: Tensor) -> None:
    weight.data[5] = 1


def add_to_data(weight: Tensor) -> None:
    weight.data += 1


WRITES: dict[str, Callable[[Any], Any]] = {
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
    "memory": lambda weight: weight.set_(torch.ones(VOCABULARY, 32)),
    "operator of a sum": lambda weight: torch.ops.aten.add_.Tensor(weight, torch.ones(VOCABULARY, 32)),
    "operator without arguments": torch.ops.aten.zero_.default,
    "operator of a copy": lambda weight: torch.ops.aten.copy_.default(weight, torch.ones(VOCABULARY, 32)),
    "operator with an output": lambda weight: torch.ops.aten.mul.out(weight, torch.tensor(2.0), out=weight),
    "operator of many tensors": lambda weight: torch.ops.aten._foreach_add_.Scalar([weight], 1.0),
    "shortened rows": lambda weight: functional.embedding(IDS, weight, max_norm=0.01),
    "shortened rows of bags": lambda weight: functional.embedding_bag(IDS, weight, max_norm=0.01),
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


def table_of_codes(folder: Path) -> Any:
    return load("bert", compressed("bert", folder, "codes")).get_input_embeddings()


REFUSED: dict[str, tuple[type[Exception], Callable[[Any], Any]]] = {
    "swap": (RuntimeError, lambda weight: TORCH.utils.swap_tensors(weight, torch.ones(VOCABULARY, 32))),
    "swap as the second": (RuntimeError, lambda weight: TORCH.utils.swap_tensors(torch.ones(VOCABULARY, 32), weight)),
    "dlpack": (BufferError, TORCH.from_dlpack),
    "dlpack of data": (BufferError, lambda weight: TORCH.from_dlpack(weight.data)),
    "dlpack of a row": (BufferError, lambda weight: TORCH.from_dlpack(weight[5].detach())),
    "dlpack capsule": (BufferError, TORCH.utils.dlpack.to_dlpack),
    "storage": (RuntimeError, lambda weight: weight.storage().fill_(0)),
    "storage of data": (RuntimeError, lambda weight: weight.data.storage().fill_(0)),
    "bytes": (RuntimeError, lambda weight: weight.untyped_storage().fill_(0)),
    "bytes of a row": (RuntimeError, lambda weight: weight[5].untyped_storage().fill_(0)),
    "numpy": (ValueError, lambda weight: weight.detach().numpy().fill(0)),
    "numpy of a row": (ValueError, lambda weight: weight[5].detach().numpy().fill(0)),
    "another class": (RuntimeError, lambda weight: weight.as_subclass(Tensor).zero_()),
}


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("name", REFUSED)
@torch.no_grad()
def test_ways_to_the_memory_of_a_weight_are_refused(name: str, tmp_path: Path) -> None:
    table = table_of_codes(tmp_path / "small")
    before = table.weight.clone()
    error, write = REFUSED[name]
    with pytest.raises(error):
        write(table.weight)
    assert torch.equal(table.weight.clone(), before)
    write(torch.ones(VOCABULARY, 32))  # an ordinary tensor allows it


@torch.no_grad()
def test_copies_of_a_weight_may_be_written_to(tmp_path: Path) -> None:
    table = table_of_codes(tmp_path / "small")
    before = table.weight.clone()
    for copy_of in (table.weight.clone(), TORCH.from_dlpack(table.weight, copy=True)):
        assert torch.equal(copy_of, before)
        copy_of.zero_()
    assert torch.equal(table.weight.clone(), before)


@torch.no_grad()
def test_torch_warns_of_a_tensor_over_the_array_of_numpy(tmp_path: Path) -> None:
    array = table_of_codes(tmp_path / "small").weight.numpy()
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="not writable"):
            torch.from_numpy(array)
    finally:
        torch.set_warn_always(False)


def _unknown_write(x: Tensor) -> None:
    x.mul_(2)


@torch.no_grad()
def test_a_write_inside_an_unknown_function_raises(tmp_path: Path) -> None:
    table = table_of_codes(tmp_path / "small")
    overridable = torch.overrides.wrap_torch_function(lambda x: (x,))(_unknown_write)
    for weight in (table.weight, table.weight[5]):
        with pytest.raises(RuntimeError, match="wrote to the temporary copy"):
            overridable(weight)
    overridable(torch.ones(3))


@pytest.mark.parametrize("wrap", [Tensor.clone, nn.Parameter])
def test_a_weight_for_one_call_is_refused(wrap: Callable[[Tensor], Tensor], tmp_path: Path) -> None:
    table: Any = table_of_codes(tmp_path / "small")
    before = table(IDS)
    other = wrap(torch.ones(VOCABULARY, 32))
    with pytest.raises(TypeError, match="functional_call"):
        torch.func.functional_call(table, {"weight": other}, (IDS,))
    assert torch.equal(table(IDS), before)
    scales = torch.zeros_like(table.scales)
    assert not torch.func.functional_call(table, {"scales": scales}, (IDS,)).any()
    assert torch.equal(table(IDS), before)
    table.weight = nn.Parameter(before.new_ones(VOCABULARY, 32))
    torch.testing.assert_close(torch.func.functional_call(table, {"weight": other * 2}, (IDS,)), 2 * table(IDS))


def fixed_arrays(model: Any) -> list[tuple[Any, str]]:
    """An example of each fixed array of each structure, with its module."""
    found = {
        (module.structure, name): (module, name)
        for module in model.modules()
        if isinstance(module, EncodedMatrix)
        for name in module.array_names()
        if name in module.fixed_arrays and getattr(module, name).numel() > 0
    }
    return list(found.values())


ARRAY_WRITES: dict[str, Callable[[nn.Parameter], Any]] = {
    "in place": lambda array: array.copy_(array.flip(0)),
    "data": lambda array: array.data.copy_(array.flip(0)),
    "new data": lambda array: setattr(array, "data", array.flip(0)),
    "rows of data": lambda array: array.data[:].copy_(array.flip(0)),
    "detached": lambda array: array.detach().copy_(array.flip(0)),
}


@pytest.mark.parametrize("write", ARRAY_WRITES)
@pytest.mark.parametrize("method", ["codes", "archetypes", "int8"])
@torch.no_grad()
def test_a_write_to_a_used_array_changes_what_is_decoded(method: str, write: str, tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", method)
    model = load("bert", folder)
    changed = 0
    for module, name in fixed_arrays(model):
        before = module.weight.clone()
        array, stored = getattr(module, name), getattr(module, name).clone()
        ARRAY_WRITES[write](array)
        assert torch.equal(module.weight.clone(), copy.deepcopy(module).weight.clone()), name
        changed += not torch.equal(module.weight.clone(), before)
        array.data.copy_(stored)
        assert torch.equal(module.weight.clone(), before), name
    assert changed >= 2


@torch.no_grad()
def test_a_view_taken_before_the_first_use_still_counts(tmp_path: Path) -> None:
    table = table_of_codes(tmp_path / "small")
    view = table.scales.data
    assert table(IDS).any()
    view.zero_()
    assert not table(IDS).any()


@torch.no_grad()
def test_labels_written_after_the_first_use_count(tmp_path: Path) -> None:
    table = load("bert", compressed("bert", tmp_path / "small", "subspaces")).get_input_embeddings()
    table(IDS)
    table.cluster.data.copy_(table.cluster.flip(0))
    assert torch.equal(table(IDS), copy.deepcopy(table)(IDS))


@pytest.mark.parametrize("memory", ["auto", "small"])
@torch.no_grad()
def test_writes_to_an_encoded_linear_layer_take_effect(memory: str, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    loewner.compress(dense_folder("bert"), folder, method="codes", keep=0.3, selection="all")
    layer: Any = load("bert", folder, memory=memory).encoder.layer[0].attention.self.query
    if layer.__class__ is nn.Linear:
        pytest.skip("this processor has no product in 8-bit integers")
    x = torch.randn(3, 32)
    assert (layer(x) - layer.bias).any()
    stored = layer.scales.clone()
    layer.scales.data.zero_()
    assert torch.equal(layer(x), layer.bias.expand(3, -1))
    layer.scales.data.copy_(stored)
    torch.ops.aten.zero_.default(layer.weight)
    assert layer.__class__ is nn.Linear
    assert torch.equal(layer(x), layer.bias.expand(3, -1))


def test_arrays_stay_fixed_after_a_pickle(tmp_path: Path) -> None:
    table = pickle.loads(pickle.dumps(table_of_codes(tmp_path / "small")))
    table.requires_grad_(True)
    assert not table.codes.requires_grad
    assert table(IDS).any()
    table.scales.data.zero_()
    assert not table(IDS).any()


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
