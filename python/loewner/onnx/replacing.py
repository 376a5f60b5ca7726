# SPDX-License-Identifier: Apache-2.0
"""Decoders in the places of the dense initializers of an exported graph."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.eight_bits import EightBitProduct
from loewner.onnx.graph import Graph

Linear = Literal["folded", "int8"]


class Owner(NamedTuple):
    """An initializer that a decoder replaces."""

    name: str
    transposed: bool  # it has the transpose of the matrix


class Probe(NamedTuple):
    """A value from which a test can tell what a graph decodes: with its input, or alone if that is empty."""

    kind: Literal["rows", "matrix", "transposed", "layer"]
    input: str
    output: str


def replace(model: onnx.ModelProto, graph: Graph, decoder: Decoder, owners: list[Owner], linear: Linear) -> list[Probe]:
    """Let the nodes that use some initializers use a decoder, and remove the initializers.

    Lookups get the rows that they look up. Products get integers of 8 bits with linear "int8", where the structure has
    them. All else gets the whole matrix, which runtimes decode when they load the file.
    """
    product = EightBitProduct.of(graph, decoder) if linear == "int8" else None
    probes: dict[str, Probe] = {}
    for name, transposed in owners:
        kept: list[onnx.NodeProto] = []
        for node in model.graph.node:
            if name not in node.input:
                kept.append(node)
            elif not transposed and _is_lookup(node, name):
                probes["rows"] = Probe("rows", node.input[1], node.output[0])
                _give(graph, decoder.rows(node.input[1]), node.output[0])
            elif product and product.fits(transposed) and node.op_type == "MatMul" and node.input[1] == name:
                probes["layer"] = Probe("layer", node.input[0], node.output[0])
                _give(graph, product.times(node.input[0]), node.output[0])
            else:
                value = decoder.transposed() if transposed else decoder.matrix()
                probes[value] = Probe("transposed" if transposed else "matrix", "", value)
                for place, used in enumerate(node.input):
                    if used == name:
                        node.input[place] = value
                kept.append(node)
        del model.graph.node[:]
        model.graph.node.extend(kept)
    replaced = {name for name, _ in owners}
    _keep(model.graph.initializer, replaced)
    _keep(model.graph.value_info, replaced)
    return list(probes.values())


def narrow(model: onnx.ModelProto, graph: Graph, dtype: Any, fewest: int = 64) -> None:
    """Store initializers of float32 whose values a narrower type has exactly in that type."""
    for tensor in list(model.graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < fewest:
            continue
        values = numpy_helper.to_array(tensor)
        small = values.astype(dtype)
        if (small.astype(np.float32) == values).all():
            model.graph.initializer.remove(tensor)
            _give(graph, graph.cast(graph.store(f"{tensor.name}.stored", small), np.float32), tensor.name)


def _is_lookup(node: onnx.NodeProto, name: str) -> bool:
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    return node.op_type == "Gather" and node.input[0] == name and axis == 0


def _give(graph: Graph, value: str, name: str) -> None:
    """The value under the name that the other nodes know."""
    graph.nodes.append(helper.make_node("Identity", [value], [name], name=f"loewner/{name}"))


def _keep(entries: Any, replaced: set[str]) -> None:
    kept = [entry for entry in entries if entry.name not in replaced]
    del entries[:]
    entries.extend(kept)
