# SPDX-License-Identifier: Apache-2.0
"""Products in 8-bit integers of ONNX files: exact on all processors, and close to the products with floats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from loewner._core import StoredMatrix
from loewner.onnx.decoders.base import new_decoder
from loewner.onnx.decoders.eight_bits import EightBitProduct, InputCodesProduct
from loewner.onnx.graph import OPSET, Graph
from loewner.onnx.replacing import Owner, replace

OUTPUTS, BITS = 24, 3
MOST_INT16 = 2**15 - 1


def coded(inputs: int) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """A layer of random codes."""
    rng = np.random.default_rng(inputs)
    code_bytes = inputs * BITS * (OUTPUTS // 8)
    codes = {"structure": "codes", "rows": inputs, "cols": OUTPUTS, "rotation_seed": 7, "scale_exponent": -3}
    spec: dict[str, Any] = {
        "structure": "input_codes",
        "rows": OUTPUTS,
        "cols": inputs,
        "inputs": "cols",
        "input_rotation_seed": 8,
        "codes": {**codes, "code_bytes": code_bytes, "has_shared": False},
    }
    bits = np.full(inputs + inputs % 2, BITS)
    bits[inputs:] = 0
    return spec, {
        "codes_codes": rng.integers(0, 256, (code_bytes, 1)).astype(np.uint8),
        "codes_bits": (bits[::2] | bits[1::2] << 4).astype(np.uint8)[:, None],
        "codes_scales": rng.uniform(0.5, 1, (inputs, 1)).astype(np.float16),
    }


def model_of(inputs: int, x: np.ndarray[Any, Any]) -> onnx.ModelProto:
    """A graph whose outputs are the product, the integers of the inputs and those of the weights."""
    graph = Graph()
    product = EightBitProduct.of(graph, new_decoder(graph, "layer.", *coded(inputs)), "x")
    assert isinstance(product, InputCodesProduct)
    types = {product.times("x"): "float32"}
    rotated = product.rotated_inputs("x")
    types |= {product.rounded(rotated)[0]: "uint8", product.rounded_weights()[0]: "int8"}
    outputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)), None)
        for name, kind in types.items()
    ]
    given = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "product", [given], outputs),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    graph.insert_into(model)
    return model


def products(inputs: int, x: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
    """The outputs of `model_of`, by onnxruntime."""
    model = model_of(inputs, x).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return tuple(session.run(None, {"x": x}))


@pytest.mark.parametrize("inputs", [96, 67, 35, 768])
def test_products_are_close_and_sums_of_two_fit_in_sixteen_bits(inputs: int) -> None:
    x = np.random.default_rng(1).standard_normal((2, 5, inputs)).astype(np.float32)
    found, integers, weights = products(inputs, x)
    spec, arrays = coded(inputs)
    expected = x @ StoredMatrix(json.dumps(spec), arrays).decode().T
    assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)
    assert integers.max() == 2 * InputCodesProduct.ZERO or integers.min() == 0  # all integers are used
    padded = np.pad(np.abs(weights.astype(int)), ((0, inputs % 2), (0, 0)))
    largest = (padded[::2] + padded[1::2]).max(0)
    assert 2 * InputCodesProduct.ZERO * largest.max() <= MOST_INT16
    assert ((largest >= InputCodesProduct.MOST_PAIR - 1) | (padded.max(0) == InputCodesProduct.MOST)).all()


def test_tokens_of_zeros_and_of_other_sizes_keep_their_accuracy() -> None:
    x = np.random.default_rng(2).standard_normal((3, 96)).astype(np.float32)
    x *= np.array([[1e-6], [0], [1e6]], np.float32)
    found, *_ = products(96, x)
    spec, arrays = coded(96)
    expected = x @ StoredMatrix(json.dumps(spec), arrays).decode().T
    assert (found[1] == 0).all()
    for row in (0, 2):
        assert np.linalg.norm(found[row] - expected[row]) < 0.02 * np.linalg.norm(expected[row])


LAYERS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "MatMul with W^T": ("MatMul", True, {}),
    "Gemm with W^T": ("Gemm", True, {}),
    "Gemm with W": ("Gemm", False, {"transB": 1}),
    "a factor": ("Gemm", True, {"alpha": 2.0}),  # not only a product and a bias
}


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_become_products_of_integers(layer: str) -> None:
    kind, transposed, attributes = LAYERS[layer]
    spec, arrays = coded(96)
    matrix = StoredMatrix(json.dumps(spec), arrays).decode()
    bias = np.arange(OUTPUTS if kind == "Gemm" else 0, dtype=np.float32)
    initializers = {"weight": matrix.T.copy() if transposed else matrix, "bias": bias}
    node = onnx.helper.make_node(kind, ["x", "weight", "bias"][: 3 if kind == "Gemm" else 2], ["y"], **attributes)
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [5, size])
        for name, size in (("x", 96), ("y", OUTPUTS))
    )
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node], "layer", [x], [y], [onnx.numpy_helper.from_array(a, n) for n, a in initializers.items()]
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    graph = Graph()
    replaced = replace(model, graph, new_decoder(graph, "layer.", spec, arrays), [Owner("weight", transposed)], "int8")
    graph.insert_into(model)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = np.random.default_rng(3).standard_normal((5, 96)).astype(np.float32)
    product = given @ matrix.T
    expected = attributes.get("alpha", 1) * product + (bias if kind == "Gemm" else 0)
    assert np.linalg.norm(session.run(None, {"x": given})[0] - expected) < 0.02 * np.linalg.norm(product)
    assert [probe.kind for probe in replaced.probes] == ["layer" if layer != "a factor" else "transposed"]


@pytest.mark.parametrize("is_known", [True, False])
def test_onnxruntime_scales_in_the_product(is_known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_known:
        monkeypatch.setattr(EightBitProduct, "_one", lambda product: product.graph.constant(1, np.float32))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    model = model_of(96, np.zeros((2, 96), np.float32)).SerializeToString()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    operators = {node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node}
    assert ("MatMulIntegerToFloat" in operators) is not is_known
    assert ("MatMulInteger" in operators) is is_known
