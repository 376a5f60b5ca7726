# SPDX-License-Identifier: Apache-2.0
"""Decoders in the places of dense initializers of a graph."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.blocks import BlockProduct
from loewner.onnx.decoders.eight_bits import EightBitProduct
from loewner.onnx.graph import Graph

Linear = Literal["folded", "int8", "blocks"]

# A decoder of rows is fifty operators. Those of positions are the same in each run, so a table of up to so many entries
# (4 MB as floats) is decoded when a file loads.
MOST_ENTRIES_OF_POSITIONS = 2**20


class Owner(NamedTuple):
    """An initializer that a decoder replaces."""

    name: str
    transposed: bool  # it has the transpose of the matrix
    type: int = TensorProto.FLOAT


class Probe(NamedTuple):
    """A float32 value from which a check can tell what a graph decodes.

    input: the ids of rows (int64), the vectors that a layer multiplies, or empty for a whole matrix.
    """

    kind: Literal["rows", "matrix", "transposed", "layer"]
    input: str
    output: str


class Replaced(NamedTuple):
    """What a decoder added to a graph.

    values: what nodes use instead of an initializer, by its name; lookups of rows need none. arrays: initializers.
    """

    values: dict[str, str]
    arrays: list[str]
    probes: list[Probe]


def replace(
    model: ModelProto, graph: Graph, decoder: Decoder, owners: list[Owner], linear: Linear = "folded"
) -> Replaced:
    """Let the nodes that use some initializers use a decoder, and remove the initializers.

    Lookups get the rows that they look up. Products get integers of 8 bits with linear "int8", where the structure has
    them, and blocks of integers with "blocks". All else gets the whole matrix, which runtimes decode when they load the
    file.
    """
    product: EightBitProduct | BlockProduct | None = None
    if linear == "int8":
        product = EightBitProduct.of(graph, decoder, model.graph.input[0].name)
    elif linear == "blocks":
        product = BlockProduct.of(graph, decoder)
    known = set(graph.initializers)
    values: dict[str, str] = {}
    probes: dict[str, Probe] = {}
    for name, transposed, kind in owners:
        kept: list[NodeProto] = []
        for node in model.graph.node:
            if name not in node.input:
                kept.append(node)
            elif not transposed and is_lookup(node, name):
                ids = _as_int64(model, graph, node.input[1])
                rows = _positions(graph, decoder, ids) if _are_positions(model, decoder, ids) else decoder.rows(ids)
                _give(graph, rows, node.output[0], kind)
                probes["rows"] = Probe("rows", ids, node.output[0] if kind == TensorProto.FLOAT else rows)
            elif product and (flips := _flips(node, name)) is not None and product.fits(transposed != flips):
                outputs = product.times(node.input[0])
                probes["layer"] = Probe("layer", node.input[0], outputs)
                _give(graph, graph.op("Add", outputs, node.input[2]) if node.input[2:] else outputs, node.output[0])
            else:
                value = decoder.transposed() if transposed else decoder.matrix()
                probes[value] = Probe("transposed" if transposed else "matrix", "", value)
                if name not in values:
                    values[name] = value if kind == TensorProto.FLOAT else graph.op("Cast", value, to=kind)
                rename_inputs(node, values)
                kept.append(node)
        del model.graph.node[:]
        model.graph.node.extend(kept)
    replaced = {owner.name for owner in owners}
    _keep(model.graph.initializer, replaced)
    _keep(model.graph.value_info, replaced)
    arrays = [full for full in graph.initializers if full not in known and full.startswith(decoder.prefix)]
    return Replaced(values, arrays, list(probes.values()))


def rename_inputs(node: NodeProto, names: dict[str, str]) -> None:
    """Let a node use other values."""
    for place, name in enumerate(node.input):
        node.input[place] = names.get(name, name)


def is_lookup(node: NodeProto, name: str) -> bool:
    """Whether a node looks up rows of an initializer."""
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    return node.op_type == "Gather" and node.input[0] == name and axis == 0


def _positions(graph: Graph, decoder: Decoder, ids: str) -> str:
    """Rows of a table that runtimes decode when they load a file."""
    first, end, step = (graph.constant(number) for number in (0, decoder.spec["rows"], 1))
    return str(graph.op("Gather", decoder.flat_rows(graph.op("Range", first, end, step)), ids))


def _are_positions(model: ModelProto, decoder: Decoder, ids: str) -> bool:
    """Whether a lookup reads rows of a small table at places that only the sizes of the model's inputs decide."""
    if decoder.spec["rows"] * decoder.spec["cols"] > MOST_ENTRIES_OF_POSITIONS:
        return False
    producers = {name: node for node in model.graph.node for name in node.output}
    inputs = {value.name for value in model.graph.input}
    waiting, seen = [ids], {ids}
    while waiting:
        name = waiting.pop()
        node = producers.get(name)
        if name in inputs or (node is not None and any(attribute.HasField("g") for attribute in node.attribute)):
            return False
        if node is None or node.op_type in ("Shape", "Size"):
            continue
        new = {used for used in node.input if used} - seen
        seen |= new
        waiting.extend(new)
    return True


def narrow(model: ModelProto, graph: Graph, dtype: Any, fewest: int = 64) -> None:
    """Store initializers of float32 whose values a narrower type has exactly in that type."""
    for tensor in list(model.graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < fewest:
            continue
        values = numpy_helper.to_array(tensor)
        small = values.astype(dtype)
        if (small.astype(np.float32) == values).all():
            model.graph.initializer.remove(tensor)
            _give(graph, graph.cast(graph.store(f"{tensor.name}.stored", small), np.float32), tensor.name)


def _flips(node: NodeProto, name: str) -> bool | None:
    """Whether a node multiplies its first input by the transpose of an initializer, and adds at most a bias.

    None if it does not multiply by the initializer from the right, or does more.
    """
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] != name:
        return None
    does = {"alpha": 1, "beta": 1, "transA": 0, "transB": 0}
    does |= {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    flips = bool(does.pop("transB"))
    return flips if does == {"alpha": 1, "beta": 1, "transA": 0} else None


def _as_int64(model: ModelProto, graph: Graph, ids: str) -> str:
    known = [*model.graph.input, *model.graph.value_info]
    if any(value.name == ids and value.type.tensor_type.elem_type == TensorProto.INT64 for value in known):
        return ids
    return str(graph.op("Cast", ids, to=TensorProto.INT64))


def _give(graph: Graph, value: str, name: str, kind: int = TensorProto.FLOAT) -> None:
    """The value under the name, and with the type, that the other nodes know."""
    label = f"loewner/{name}"
    if kind == TensorProto.FLOAT:
        graph.nodes.append(helper.make_node("Identity", [value], [name], name=label))
    else:
        graph.nodes.append(helper.make_node("Cast", [value], [name], name=label, to=kind))


def _keep(entries: Any, replaced: set[str]) -> None:
    kept = [entry for entry in entries if entry.name not in replaced]
    del entries[:]
    entries.extend(kept)
