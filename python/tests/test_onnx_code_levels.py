# SPDX-License-Identifier: Apache-2.0
"""Matrices of codes with rows of different bits are decoded together when a file loads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from loewner._core import StoredMatrix
from loewner.onnx import stages
from loewner.onnx.decoders import code_levels
from loewner.onnx.decoders.base import new_decoder
from loewner.onnx.graph import OPSET, Graph

Coded = tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]


def coded(rows: int, cols: int, bits: list[int], seed: int) -> Coded:
    """Random codes, whose rows have some of the numbers of bits, in any order."""
    rng = np.random.default_rng(seed)
    each = rng.choice(bits, rows)
    each[: len(bits)] = bits
    code_bytes = int(each.sum()) * -(-cols // 8)
    halves = np.append(each, 0) if rows % 2 else each
    spec = {"structure": "codes", "rows": rows, "cols": cols, "rotation_seed": 7, "scale_exponent": -3}
    return {**spec, "code_bytes": code_bytes, "has_shared": False}, {
        "codes": rng.integers(0, 256, (code_bytes, 1)).astype(np.uint8),
        "bits": (halves[::2] | halves[1::2] << 4).astype(np.uint8)[:, None],
        "scales": rng.uniform(0.5, 1, (rows, 1)).astype(np.float16),
    }


def model_of(matrices: list[Coded]) -> onnx.ModelProto:
    """A graph whose outputs are the matrices."""
    graph = Graph()
    names = [new_decoder(graph, f"{number}.", *matrix).matrix() for number, matrix in enumerate(matrices)]
    outputs = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [spec["rows"], spec["cols"]])
        for name, (spec, _) in zip(names, matrices, strict=True)
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "levels", [], outputs),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    graph.insert_into(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def calls(model: onnx.ModelProto, name: str) -> int:
    return sum(node.op_type.startswith(name) for node in model.graph.node)


# Rows of 0 bits, of the same bits throughout, an odd number of rows, and columns that do not fill their bytes.
CASES: dict[str, list[Coded]] = {
    "several": [coded(40, 64, [1, 2, 3, 5], 1), coded(24, 64, [3, 5], 2), coded(32, 64, [2, 3, 8], 3)],
    "zero": [coded(40, 64, [0, 3], 1), coded(24, 64, [0, 4], 2)],
    "equal": [coded(40, 64, [3], 1), coded(24, 64, [2, 3], 2), coded(16, 64, [0], 3)],
    "odd": [coded(41, 67, [2, 3], 1), coded(24, 67, [2, 4], 2), coded(24, 130, [2, 4], 3)],
    "single": [coded(41, 64, [2, 3], 1)],
}


@pytest.mark.parametrize("case", CASES)
def test_matrices_are_those_of_the_core(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "STAGES", 1)  # so that matrices of a width are decoded together
    model = model_of(CASES[case])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for found, (spec, arrays) in zip(session.run(None, {}), CASES[case], strict=True):
        expected = StoredMatrix(json.dumps(spec), arrays).decode()
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_rows_of_equal_bits_are_decoded_by_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    matrices = [coded(64, 64, [2, 3, 4], seed) for seed in range(12)]
    in_stages = model_of(matrices)
    monkeypatch.setattr(stages, "STAGES", 1)
    together = model_of(matrices)
    assert calls(together, "Levels") == 3
    assert calls(together, "Steps") == calls(together, "PlacesByStep") == 1
    assert 7 <= calls(in_stages, "PlacesByStep") < 12


def test_batches_have_about_equal_sizes_and_are_not_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [(number, size) for number, size in enumerate([1, 1, 1, 1, 4] * 6)]
    batches = code_levels._in_batches(members, 10)
    assert [member for batch in batches for member in batch] == members
    assert len(batches) == 5
    assert max(sum(size for _, size in batch) for batch in batches) <= 13
    monkeypatch.setattr(code_levels, "MOST_ENTRIES", 4)
    assert len(code_levels._in_batches(members, 48)) >= 12
