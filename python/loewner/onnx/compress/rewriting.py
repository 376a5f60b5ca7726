# SPDX-License-Identifier: Apache-2.0
"""The graph of an ONNX file with decoders in the places of encoded initializers."""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto

from loewner._core import IoError
from loewner._encoded_folder import encoded_tensors, quantization_of
from loewner._structures import array_prefix
from loewner.onnx.compress.selection import Selected
from loewner.onnx.compress.staging import is_turned
from loewner.onnx.compress.ties import Copy
from loewner.onnx.decoders.base import new_decoder
from loewner.onnx.graph import IR_VERSION, OPSET, Graph
from loewner.onnx.opsets import raised
from loewner.onnx.reading import OnnxModel
from loewner.onnx.record import Record
from loewner.onnx.replacing import Owner, replace
from loewner.onnx.tensor_data import TensorData


def decoder_bytes(tensors: int) -> int:
    """About the bytes of the nodes and constants that decode so many matrices."""
    return 30_000 + 1_500 * tensors


def rewritten(source: OnnxModel, selected: Selected, encoded: Path) -> tuple[ModelProto, list[TensorData]]:
    """The new model, and the initializers that it keeps. `encoded` is the folder that the core wrote.

    Initializers in data files still name the files of the source.
    """
    model = raised(source, max(OPSET, source.opset))
    graph = Graph()
    record = Record("onnx", quantization_of(encoded))
    for name, spec, arrays in encoded_tensors(encoded):
        decoder = new_decoder(graph, array_prefix(name, spec), spec, arrays)
        owners = [
            Owner(copy.name, copy.transposed != is_turned(selected.places[name]), source.tensors[copy.name].type)
            for copy in (Copy(name, False), *selected.copies.get(name, []))
        ]
        record.add(name, [owner.name for owner in owners], replace(model, graph, decoder, owners))
    kept = list(model.graph.initializer)
    graph.insert_into(model)
    taken = next((tensor.name for tensor in kept if tensor.name in graph.initializers), None)
    if taken is not None:
        raise IoError(f"{source.path}: initializer '{taken}' has the name of an array of a decoder")
    model.ir_version = max(model.ir_version, IR_VERSION)
    record.write_to(model)
    return model, [source.tensors[tensor.name] for tensor in kept if tensor.name in source.tensors]
