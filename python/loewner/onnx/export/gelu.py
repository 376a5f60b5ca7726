# SPDX-License-Identifier: Apache-2.0
"""GELU in the form that onnxruntime computes with the least time and memory.

torch exports x (0.5 (1 + erf(x / sqrt(2)))). onnxruntime makes one operator of (x (1 + erf(x / sqrt(2)))) 0.5, which
saves four passes over the widest values of a transformer. Both are correct to the last bits.
"""

from __future__ import annotations

import onnx
from onnx import helper

_AXIS = "axis_of_biases"


def reorder_gelus(graph: onnx.GraphProto) -> None:
    """Exchange x and 0.5 in each GELU. Values that something else uses stay as they are."""
    makers = {name: node for node in graph.node for name in node.output}
    uses = [name for node in graph.node for name in node.input]
    uses += [value.name for value in graph.output]
    for product in graph.node:
        for place in range(2) if product.op_type == "Mul" else ():
            half = makers.get(product.input[1 - place])
            if half is None or half.op_type != "Mul" or uses.count(half.output[0]) > 1:
                continue
            inner = [number for number, name in enumerate(half.input) if _is_one_plus_erf(name, makers)]
            if len(inner) == 1:
                constant, x = half.input[1 - inner[0]], product.input[place]
                half.input[1 - inner[0]], product.input[place] = x, constant
                break


def _is_one_plus_erf(name: str, makers: dict[str, onnx.NodeProto]) -> bool:
    node = makers.get(name)
    terms = node.input if node is not None and node.op_type == "Add" else ()
    return any(term in makers and makers[term].op_type == "Erf" for term in terms)


def separate_biases(graph: onnx.GraphProto) -> None:
    """Add the bias before each GELU as a row, 1 x n.

    onnxruntime joins the sum with a vector and GELU in one operator, which needs a third value of the size of the
    widest layer beside its input and output.
    """
    makers = {name: node for node in graph.node for name in node.output}
    vectors = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 1}
    rows: dict[str, onnx.NodeProto] = {}
    for erf in [node for node in graph.node if node.op_type == "Erf"]:
        total = _maker(_maker(erf, 0, makers), 0, makers)
        for place, name in enumerate(total.input if total.op_type == "Add" else ()):
            if name in vectors and _maker(total, 1 - place, makers).op_type == "MatMul":
                row = f"{name}.row"
                rows[row] = helper.make_node("Unsqueeze", [name, _AXIS], [row], name=row)
                total.input[place] = row
    if rows:
        nodes = [*rows.values(), *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)
        graph.initializer.append(helper.make_tensor(_AXIS, onnx.TensorProto.INT64, [1], [0]))


def _maker(node: onnx.NodeProto, place: int, makers: dict[str, onnx.NodeProto]) -> onnx.NodeProto:
    """The node that makes an input of another one, or an empty one."""
    return makers.get(node.input[place], onnx.NodeProto()) if place < len(node.input) else onnx.NodeProto()
