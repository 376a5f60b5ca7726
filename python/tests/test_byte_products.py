# SPDX-License-Identifier: Apache-2.0
"""Linear layers that stay encoded and are multiplied in 8-bit integers (docs/design/kernels.md)."""

from __future__ import annotations

import copy
import ctypes
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import loewner
import pytest
import torch
import transformers as untyped_transformers
from compressed_models import compressed, load
from encoded_models import dense_folder, outputs
from loewner._core import set_thread_team
from loewner.transformers.modules import EncodedMatrix, encode_module
from loewner.transformers.structures.codes import Codes
from loewner.transformers.structures.core_operators import _entries_of_openmp, _matrix
from torch import nn

transformers: Any = untyped_transformers

INPUTS, OUTPUTS, BITS = 96, 200, 3


def coded_layer(bits: int = BITS) -> Any:
    """A linear layer of random codes, as it is loaded with memory="auto"."""
    torch.manual_seed(0)
    layer = nn.Linear(INPUTS, OUTPUTS)
    code_bytes = OUTPUTS * bits * INPUTS // 8
    spec = {"structure": "codes", "rows": OUTPUTS, "cols": INPUTS, "rotation_seed": 0, "scale_exponent": 0}
    encode_module(layer, {**spec, "code_bytes": code_bytes, "has_shared": False}, Codes)
    arrays = cast(Any, layer)
    arrays.codes.data = torch.randint(256, (code_bytes, 1), dtype=torch.uint8)
    arrays.bits.data = torch.full((OUTPUTS // 2, 1), 17 * bits, dtype=torch.uint8)
    arrays.scales.data = torch.rand(OUTPUTS, 1).half()
    arrays.multiply_in_bytes(transposed=True)
    return layer


@pytest.fixture
def layer() -> Any:
    made = coded_layer()
    if not made.in_bytes:
        pytest.skip("this processor has no AVX2")
    return made


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_products_are_those_of_the_decoded_layer_up_to_rounding(layer: Any) -> None:
    x = torch.randn(4, 7, INPUTS)
    expected = nn.functional.linear(x, layer.decode(), layer.bias)
    assert 0 < relative_error(layer(x), expected) < 0.02
    assert relative_error(layer(x.flip(0)), expected) > 0.5  # negative control


def test_layers_of_many_bits_keep_every_digit() -> None:
    layer, x = coded_layer(bits=7), torch.randn(7, INPUTS)
    assert not layer.in_bytes
    torch.testing.assert_close(layer(x), nn.functional.linear(x, layer.decode(), layer.bias), rtol=1e-4, atol=1e-4)


def test_gradients_pass_to_the_inputs(layer: Any) -> None:
    x = torch.randn(3, INPUTS, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.decode().sum(0).expand(3, -1), rtol=1e-4, atol=1e-4)


def test_compiled_layers_give_the_same_outputs(layer: Any) -> None:
    x = torch.randn(3, INPUTS)
    compiled: Any = torch.compile(layer, fullgraph=True, backend="eager")
    assert torch.equal(compiled(x), layer(x))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_gives_the_same_outputs(duplicate: Any, layer: Any) -> None:
    x = torch.randn(3, INPUTS)
    copied = duplicate(layer)
    assert copied.in_bytes
    assert torch.equal(copied(x), layer(x))


def test_other_types_are_computed_in_float32_and_rounded(layer: Any) -> None:
    x = torch.randn(5, INPUTS)
    expected = layer(x)
    for dtype in (torch.bfloat16, torch.float16):
        with torch.autocast("cpu", dtype=dtype):
            torch.testing.assert_close(layer(x).float(), expected, rtol=0.02, atol=0.1)
        found = copy.deepcopy(layer).to(dtype)(x.to(dtype))
        assert found.dtype is dtype
        torch.testing.assert_close(found.float(), expected, rtol=0.03, atol=0.3)


def test_products_without_vectors_and_with_numbers_that_are_not_finite(layer: Any) -> None:
    assert layer(torch.empty(2, 0, INPUTS)).shape == (2, 0, OUTPUTS)
    assert layer(torch.ones(INPUTS)).shape == (OUTPUTS,)
    x = torch.randn(3, INPUTS)
    x[1, 4], x[2, 5] = float("nan"), float("inf")
    found, expected = layer(x), nn.functional.linear(x, layer.decode(), layer.bias)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found[2].isinf(), expected[2].isinf())


def test_any_threads_give_the_same_bits(layer: Any) -> None:
    x = torch.randn(3000, INPUTS)
    expected = layer(x)
    with ThreadPoolExecutor(2) as pool:
        assert all(torch.equal(found, expected) for found in pool.map(lambda _: layer(x), range(8)))
    before = torch.get_num_threads()
    for threads in (1, 2, 8):
        torch.set_num_threads(threads)
        assert torch.equal(layer(x), expected)
    torch.set_num_threads(before)


def test_operations_run_on_the_threads_of_torch(layer: Any) -> None:
    run, size = _entries_of_openmp()
    assert run != 0
    x = torch.randn(3000, INPUTS)
    expected, teams = layer(x), []

    def one_after_the_other(work: Any, data: Any, count: int, _flags: int) -> None:
        teams.append(count)
        for _ in range(count):
            work(data)

    work_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    entry_type = ctypes.CFUNCTYPE(None, work_type, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
    entry = entry_type(one_after_the_other)
    before, own = torch.get_num_threads(), loewner.num_threads()
    torch.set_num_threads(2)
    loewner.set_num_threads(1)
    try:
        set_thread_team(ctypes.cast(entry, ctypes.c_void_p).value or 0, size)
        assert torch.equal(layer(x), expected)
        assert teams == [2]
        ids = torch.zeros(100000, dtype=torch.long)
        layer.decode_rows(ids)
        assert teams == [2, 2]
        torch.set_num_threads(1)
        layer.decode_rows(ids)
        assert torch.equal(layer(x), expected)
        assert teams == [2, 2]
        set_thread_team(0, 0)
        torch.set_num_threads(2)
        assert torch.equal(layer(x), expected)
        assert teams == [2, 2]  # control: own threads
    finally:
        set_thread_team(*_entries_of_openmp())
        torch.set_num_threads(before)
        loewner.set_num_threads(own)


def test_a_forked_process_multiplies(layer: Any) -> None:
    x = torch.ones(3000, INPUTS)
    matrix = _matrix(layer._arrays(), layer.description)
    child = os.fork()
    if child == 0:  # no operation of torch: its pool of threads does not survive a fork
        try:
            products = [matrix.multiply(x.numpy(), threads=threads) for threads in (2, 1)]
            os._exit(0 if (products[0] == products[1]).all() else 1)
        finally:  # after an exception; the child must not run the other tests
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_loaded_model_multiplies_in_bytes_unless_told_otherwise(layer: Any, tmp_path: Path) -> None:
    loewner.compress(dense_folder("bert"), tmp_path / "out", method="codes", bits=12, selection="all", text="none")
    models = {memory: load("bert", tmp_path / "out", memory=memory) for memory in ("dense", "auto", "small")}
    in_bytes = {m: [n for n, e in models[m].named_modules() if getattr(e, "in_bytes", False)] for m in models}
    assert in_bytes["dense"] == in_bytes["small"] == []
    by_default = load("bert", tmp_path / "out")
    assert in_bytes["auto"] == [n for n, e in by_default.named_modules() if getattr(e, "in_bytes", False)]
    assert len(in_bytes["auto"]) > 2
    coded = [name for name, module in models["auto"].named_modules() if isinstance(module, EncodedMatrix)]
    assert coded == ["embeddings.word_embeddings", *in_bytes["auto"]]
    assert relative_error(outputs(models["small"]), outputs(models["dense"])) < 1e-4
    assert 1e-4 < relative_error(outputs(models["auto"]), outputs(models["dense"])) < 0.05


@pytest.mark.parametrize(("method", "error"), [("int8", 2e-3), ("int4", 0.05)])
def test_layers_of_integers_are_multiplied_in_bytes(method: str, error: float, tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "out", method, selection="all", text="none")
    by_default, dense = (load("bert", folder, memory=memory) for memory in ("auto", "dense"))
    in_bytes = [name for name, module in by_default.named_modules() if getattr(module, "in_bytes", False)]
    if not in_bytes:
        pytest.skip("this processor has no AVX-512 VNNI")
    assert len(in_bytes) > 5
    assert 0 < relative_error(outputs(by_default), outputs(dense)) < error


def test_a_head_that_shares_a_table_is_multiplied_in_bytes(layer: Any, tmp_path: Path) -> None:
    """Of 20 rows for each column; the other models here have four."""
    torch.manual_seed(0)
    options: Any = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.BertConfig(vocab_size=640, hidden_size=32, **options)
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "dense")
    loewner.compress(tmp_path / "dense", tmp_path / "out", method="coded-svd", bits=4, text="none")
    by_default, small = (load("bert_masked", tmp_path / "out", memory=memory) for memory in ("auto", "small"))
    assert by_default.cls.predictions.decoder.in_bytes
    assert not small.cls.predictions.decoder.in_bytes
    assert 0 < relative_error(outputs(by_default), outputs(small)) < 0.05
