# SPDX-License-Identifier: Apache-2.0
"""GELU in the order of products that onnxruntime recognizes.

torch exports x (0.5 (1 + erf(x / sqrt(2)))). onnxruntime makes one operator of (x (1 + erf(x / sqrt(2)))) 0.5, which
saves four passes over the widest values of a transformer. Both are correct to the last bits.
"""

from __future__ import annotations

import onnx


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
