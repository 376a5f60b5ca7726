# SPDX-License-Identifier: Apache-2.0
"""The graph of a model with decoders in the places of encoded initializers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

from loewner._checksums import checksum_of_specification
from loewner._core import IoError
from loewner._structures import array_prefix
from loewner.onnx.checkpoint import encoded_tensors, quantization_of
from loewner.onnx.decoders.base import Decoder, new_decoder
from loewner.onnx.graph import OPSET, Graph
from loewner.onnx.opsets import raised
from loewner.onnx.reading import METADATA_KEY, OnnxModel
from loewner.onnx.roles import LINEAR, Place
from loewner.onnx.selection import Selected
from loewner.onnx.staging import is_turned
from loewner.onnx.tensor_data import TensorData
from loewner.onnx.ties import Copy
from loewner.onnx.uses import attribute

OLDEST_IR = 8  # the first with local functions


def decoder_bytes(tensors: int) -> int:
    """About the bytes of the nodes and constants that decode so many matrices."""
    return 30_000 + 1_500 * tensors


def rewritten(source: OnnxModel, selected: Selected, encoded: Path) -> tuple[ModelProto, list[TensorData]]:
    """The new model, and the initializers that it keeps. `encoded` is the folder that the core wrote.

    Initializers in data files still name the files of the source.
    """
    model = raised(source, max(OPSET, source.opset))
    graph = Graph()
    record: dict[str, dict[str, Any]] = {}
    for name, spec, arrays in encoded_tensors(encoded):
        known = set(graph.initializers)
        decoder = new_decoder(graph, array_prefix(name, spec), spec, arrays)
        owners = [Copy(name, False), *selected.copies.get(name, [])]
        for owner in owners:
            turned = owner.transposed != is_turned(selected.places[name])
            _replace(model, graph, decoder, source.tensors[owner.name], selected.places[owner.name], turned)
        stored = [
            full for full in graph.initializers if full not in known and full.startswith(array_prefix(name, spec))
        ]
        record[name] = {"replaces": [owner.name for owner in owners], "arrays": stored}
    replaced = {owner for entry in record.values() for owner in entry["replaces"]}
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in replaced]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    _drop_value_info(model, replaced)
    for function in graph.functions.values():  # a function may not use an older form of an operator than its model
        function.opset_import[0].version = max(OPSET, source.opset)
    taken = next((name for name in graph.initializers if name in source.tensors), None)
    if taken is not None:
        raise IoError(f"{source.path}: initializer '{taken}' has the name of an array of its decoder")
    graph.insert_into(model)
    model.ir_version = max(model.ir_version, OLDEST_IR)
    metadata = {"quantization_config": _of_arrays(quantization_of(encoded)), "initializers": record}
    helper.set_model_props(
        model, {**{entry.key: entry.value for entry in model.metadata_props}, METADATA_KEY: json.dumps(metadata)}
    )
    return model, [source.tensors[tensor.name] for tensor in kept if tensor.name in source.tensors]


def _of_arrays(quantization: dict[str, Any]) -> dict[str, Any]:
    """The configuration without the checksums of a folder's files."""
    tensors = quantization["checksums"]["tensors"]
    quantization = {**quantization, "checksums": {"tensors": tensors}}
    quantization["checksums"]["specification"] = checksum_of_specification(quantization)
    return quantization


def _replace(model: ModelProto, graph: Graph, decoder: Decoder, tensor: TensorData, place: Place, turned: bool) -> None:
    """Decodes the rows that tables look up; whatever else uses the matrix gets all of it, under its old name."""
    lookups = [] if place.role == LINEAR or turned else _lookups(model, tensor.name)
    for node in lookups:
        ids = graph.op("Cast", node.input[1], to=TensorProto.INT64)
        _name(graph, decoder.rows(ids), node.output[0], tensor)
    others = [node for node in model.graph.node if all(node is not lookup for lookup in lookups)]
    if any(tensor.name in node.input for node in others):
        matrix = decoder.matrix()
        _name(graph, graph.op("Transpose", matrix, perm=[1, 0]) if turned else matrix, tensor.name, tensor)
    del model.graph.node[:]
    model.graph.node.extend(others)


def _lookups(model: ModelProto, name: str) -> list[NodeProto]:
    return [
        node
        for node in model.graph.node
        if node.op_type == "Gather" and node.input[0] == name and attribute(node, "axis", 0) == 0
    ]


def _name(graph: Graph, value: str, name: str, tensor: TensorData) -> None:
    """Gives a float32 value the name and the type of the tensor's."""
    if tensor.proto.data_type == TensorProto.FLOAT:
        graph.nodes.append(helper.make_node("Identity", [value], [name], name=f"loewner/{name}"))
    else:
        kind = tensor.proto.data_type
        graph.nodes.append(helper.make_node("Cast", [value], [name], name=f"loewner/{name}", to=kind))


def _drop_value_info(model: ModelProto, names: set[str]) -> None:
    kept = [value for value in model.graph.value_info if value.name not in names]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)
