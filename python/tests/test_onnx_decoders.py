# SPDX-License-Identifier: Apache-2.0
"""The decoder graphs of all structures, run by onnxruntime, against the core."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers
from encoded_models import VOCABULARY, dense_folder, encode_folder, low_rank, subspaces
from loewner._encoded_folder import Encoded, encoded_tensors
from loewner._structures import STRUCTURES
from loewner.onnx.decoders.base import format_arrays, new_decoder
from loewner.onnx.graph import OPSET, Graph
from test_input_codes import stored

METHODS: dict[str, dict[str, Any]] = {
    "svd": {"keep": 0.8, "factor_format": "f16"},
    "subspaces": {"keep": 0.8},
    "dense": {"keep": 0.9},
    "codes": {"keep": 0.7},
    "coded-svd": {"keep": 0.3, "selection": "embeddings"},
    "archetypes": {"keep": 0.4},
    "int8": {"keep": 0.9},
    "int4": {"keep": 0.9},
}
IDS = np.array([[0, 1, VOCABULARY - 1], [5, 2, 2]])


def odd_widths() -> transformers.PreTrainedModel:
    """A model whose rows have 67 and 130 entries: transforms overlap, and bytes are not full."""
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=67,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=130,
        max_position_embeddings=8,
    )
    return transformers.BertModel(config)


@functools.cache
def encoded(method: str, source: Path, target: Path) -> list[Encoded]:
    options = {"selection": "all", "text": "none", **METHODS[method]}
    loewner.compress(source, target, method=method, **options)
    return list(encoded_tensors(target))


def model_of(tensor: Encoded) -> onnx.ModelProto:
    """A graph with the rows of some ids and the whole matrix as outputs."""
    graph = Graph()
    decoder = new_decoder(graph, tensor.name.removesuffix("weight"), tensor.spec, tensor.arrays)
    rows, cols = tensor.spec["rows"], tensor.spec["cols"]
    inputs = [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["batch", "length"])]
    outputs = [
        onnx.helper.make_tensor_value_info(decoder.rows("ids"), onnx.TensorProto.FLOAT, ["batch", "length", cols]),
        onnx.helper.make_tensor_value_info(decoder.matrix(), onnx.TensorProto.FLOAT, [rows, cols]),
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "decoder", inputs, outputs), opset_imports=[onnx.helper.make_opsetid("", OPSET)]
    )
    model.ir_version = 10
    graph.insert_into(model)
    return model


def run(model: onnx.ModelProto, ids: Any) -> Any:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"ids": ids})


def assert_decodes(tensor: Encoded) -> None:
    expected = decoded_by_the_core(tensor)
    ids = IDS % tensor.spec["rows"]
    rows, matrix = run(model_of(tensor), ids)
    tolerance = 2e-6 * np.abs(expected).max()
    np.testing.assert_allclose(rows, expected[ids], rtol=0, atol=tolerance)
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=tolerance)


def decoded_by_the_core(tensor: Encoded) -> Any:
    spec, arrays = tensor.spec, tensor.arrays
    if spec.get("format") == "bf16":  # which NumPy does not know
        arrays = {
            name: array if array.dtype == np.uint8 else array.astype(np.float32) for name, array in arrays.items()
        }
        spec = {**spec, "format": "f32"}
    return loewner.StoredMatrix(json.dumps(spec), arrays).decode()


@pytest.mark.parametrize("method", METHODS)
def test_onnxruntime_decodes_what_the_core_decodes(method: str, tmp_path: Path) -> None:
    seen = set()
    for tensor in encoded(method, dense_folder("bert"), tmp_path / "small"):
        if (shape := (tensor.spec["rows"], tensor.spec["cols"])) not in seen:
            seen.add(shape)
            assert_decodes(tensor)


@pytest.mark.parametrize("method", ["codes", "int4", "archetypes"])
def test_rows_of_any_width_are_decoded(method: str, tmp_path: Path) -> None:
    odd_widths().save_pretrained(tmp_path / "odd")
    widths = set()
    for tensor in encoded(method, tmp_path / "odd", tmp_path / "small"):
        if tensor.spec["cols"] not in widths:
            widths.add(tensor.spec["cols"])
            assert_decodes(tensor)
    assert widths == {67, 130}


@pytest.mark.parametrize("rotated", [True, False])
@pytest.mark.parametrize("inputs", ["cols", "rows"])
def test_layers_coded_by_inputs_are_decoded(inputs: str, rotated: bool) -> None:
    assert_decodes(Encoded("layer.weight", *stored(inputs, rotated)))


def test_rows_of_zero_to_eight_bits_are_decoded() -> None:
    spec, arrays = stored("cols", False)
    assert_decodes(
        Encoded("table.weight", spec["codes"], {name.removeprefix("codes_"): array for name, array in arrays.items()})
    )


@pytest.mark.parametrize("structure", [low_rank, subspaces])
def test_factors_in_bfloat16_are_decoded(structure: Any, tmp_path: Path) -> None:
    name = "embeddings.word_embeddings.weight"
    encode_folder(dense_folder("bert"), tmp_path / "small", [name], structure, "bf16")
    for tensor in encoded_tensors(tmp_path / "small"):
        assert_decodes(tensor)


@pytest.mark.parametrize("method", METHODS)
def test_the_stored_arrays_can_be_read_back(method: str, tmp_path: Path) -> None:
    assert_read_back(encoded(method, dense_folder("bert"), tmp_path / "small")[0])


def test_codes_without_bytes_can_be_read_back() -> None:
    spec, arrays = stored("cols", True)
    spec["codes"]["code_bytes"] = 0
    arrays |= {"codes_codes": arrays["codes_codes"][:0], "codes_bits": np.zeros_like(arrays["codes_bits"])}
    assert_read_back(Encoded("layer.weight", spec, arrays))


def assert_read_back(tensor: Encoded) -> None:
    prefix = tensor.name.removesuffix("weight")
    found = {
        array.name.removeprefix(prefix): onnx.numpy_helper.to_array(array)
        for array in model_of(tensor).graph.initializer
        if array.name.startswith(prefix)
    }
    arrays = format_arrays(tensor.spec, found)
    assert arrays.keys() == tensor.arrays.keys()
    assert all(np.array_equal(arrays[name], tensor.arrays[name]) for name in arrays)


def test_every_structure_has_a_decoder() -> None:
    for structure in STRUCTURES.values():
        assert structure.decoder_class().__name__ == structure.module_class().__name__


def test_matrices_share_functions_and_constants(tmp_path: Path) -> None:
    layers = [t for t in encoded("codes", dense_folder("bert"), tmp_path / "small") if "query" in t.name]
    graph = Graph()
    for tensor in layers:
        new_decoder(graph, tensor.name.removesuffix("weight"), tensor.spec, tensor.arrays).matrix()
    alone = Graph()
    new_decoder(alone, "weight.", layers[0].spec, layers[0].arrays).matrix()
    assert len(layers) == 2
    own = 4  # bits, scales, codes and signs
    assert len(graph.initializers) <= len(alone.initializers) + own
    assert graph.functions.keys() == alone.functions.keys()


# Negative control: one changed byte of the codes.
def test_a_changed_byte_changes_the_rows(tmp_path: Path) -> None:
    tensor = encoded("codes", dense_folder("bert"), tmp_path / "small")[0]
    arrays = {**tensor.arrays, "codes": tensor.arrays["codes"].copy()}
    arrays["codes"][-1] ^= 128  # an entry of the last row
    before, after = (run(model_of(t), IDS)[1] for t in (tensor, tensor._replace(arrays=arrays)))
    assert np.abs(before - after).max() > 1e-3 * np.abs(before).max()
