# SPDX-License-Identifier: Apache-2.0
"""Small ONNX files: an encoder of tokens, a vision and a speech-like graph, and ways to run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Array = np.ndarray[Any, np.dtype[Any]]

VOCABULARY, WIDTH, INNER, POSITIONS = 400, 128, 256, 160
FLOATS = {np.float32: TensorProto.FLOAT, np.float16: TensorProto.FLOAT16}


def matrix(rows: int, cols: int, seed: int, dtype: Any = np.float32) -> Array:
    """Rows of different norms with correlated columns."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((rows, cols)) * random.uniform(0.5, 2, (rows, 1)) / np.sqrt(cols)
    return np.asarray(values, dtype)


def weights(dtype: Any = np.float32) -> dict[str, Array]:
    """The initializers of `encoder`."""
    return {
        "words": matrix(VOCABULARY, WIDTH, 1, dtype),
        "places": matrix(POSITIONS, WIDTH, 2, dtype),
        "up": matrix(WIDTH, INNER, 3, dtype),
        "up_bias": np.zeros(INNER, dtype),
        "down": matrix(WIDTH, INNER, 4, dtype),  # outputs x inputs, for Gemm with transB
        "down_bias": np.zeros(WIDTH, dtype),
        "row": np.array([-1, WIDTH], np.int64),
        "inner_row": np.array([-1, INNER], np.int64),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "length_at": np.array(1, np.int64),
    }


def encoder_nodes() -> list[NodeProto]:
    node = helper.make_node
    return [
        node("Gather", ["words", "input_ids"], ["looked_up"], "lookup"),
        node("Shape", ["input_ids"], ["shape"]),
        node("Gather", ["shape", "length_at"], ["length"], axis=0),
        node("Range", ["zero", "length", "one"], ["position_ids"]),
        node("Gather", ["places", "position_ids"], ["place"], "place_lookup"),
        node("Add", ["looked_up", "place"], ["embedded"]),
        node("MatMul", ["embedded", "up"], ["up_product"], "up_layer"),
        node("Add", ["up_product", "up_bias"], ["up_sum"]),
        node("Relu", ["up_sum"], ["inner"]),
        node("Reshape", ["inner", "inner_row"], ["inner_rows"]),
        node("Gemm", ["inner_rows", "down", "down_bias"], ["down_rows"], "down_layer", transB=1),
        node("Reshape", ["down_rows", "row"], ["vectors"]),
    ]


def encoder(opset: int = 18, dtype: Any = np.float32, change: Callable[[ModelProto], None] | None = None) -> ModelProto:
    """Token ids -> a vector for each token."""
    model = made(encoder_nodes(), weights(dtype), ["input_ids"], "vectors", opset, dtype)
    if change is not None:
        change(model)
    return model


def made(
    nodes: list[NodeProto], tensors: dict[str, Array], ids: list[str], output: str, opset: int, dtype: Any = np.float32
) -> ModelProto:
    """A model of int64 inputs batch x length."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in ids],
        [helper.make_tensor_value_info(output, FLOATS[dtype], ["tokens", WIDTH])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def pictures(opset: int = 13) -> ModelProto:
    """A vision model: patches by Conv, then a projection of all patches."""
    node = helper.make_node
    nodes = [
        node(
            "Conv", ["pixels", "patch", "patch_bias"], ["patches"], "patch_layer", kernel_shape=[8, 8], strides=[8, 8]
        ),
        node("Reshape", ["patches", "flat_shape"], ["flat"]),
        node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]),
        node("MatMul", ["tokens", "project"], ["projected"], "project_layer"),
        node("ReduceMean", ["projected"], ["mean"], axes=[1], keepdims=0),
    ]
    tensors = {
        "patch": matrix(WIDTH, 3 * 64, 5).reshape(WIDTH, 3, 8, 8),
        "patch_bias": np.zeros(WIDTH, np.float32),
        "flat_shape": np.array([0, WIDTH, -1], np.int64),
        "project": matrix(WIDTH, INNER, 6),
    }
    graph = helper.make_graph(
        nodes,
        "pictures",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", INNER])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def sounds(opset: int = 11) -> ModelProto:
    """A speech-like model: frames through an LSTM, then a product on the left of its input."""
    node = helper.make_node
    nodes = [
        node("LSTM", ["frames", "gates", "recurrent"], ["states"], "lstm", hidden_size=32),
        node("Squeeze", ["states"], ["states_of_one"], axes=[1]),
        node("Transpose", ["states_of_one"], ["by_state"], perm=[1, 2, 0]),
        node("MatMul", ["letters", "by_state"], ["scores"], "letters_layer"),
    ]
    tensors = {
        "gates": matrix(128, 40, 7).reshape(1, 128, 40),
        "recurrent": matrix(128, 32, 8).reshape(1, 128, 32),
        "letters": matrix(600, 32, 9),
    }
    graph = helper.make_graph(
        nodes,
        "sounds",
        [helper.make_tensor_value_info("frames", TensorProto.FLOAT, ["time", "batch", 40])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 600, "time"])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)


def saved(model: ModelProto, path: Path, data: str | None = None) -> Path:
    """Writes a model; `data` is the name of a file for its large initializers."""
    if data is None:
        onnx.save(model, path)
    else:
        onnx.save(model, path, save_as_external_data=True, location=data, size_threshold=1024)
    return path


def run(model: Path | ModelProto, **inputs: Array) -> Array:
    """The first output in onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, inputs)[0])


def token_ids() -> Array:
    return np.random.default_rng(0).integers(0, VOCABULARY, (2, 7))


def cosine(a: Array, b: Array) -> float:
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))
