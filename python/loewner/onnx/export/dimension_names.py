# SPDX-License-Identifier: Apache-2.0
"""Names of dynamic sizes by which onnxruntime frees the widest values of a layer before the next one.

onnxruntime lends the memory of a value to a later one whose sizes have the same numbers and names. The attention scores
of all layers have the sizes batch, heads, length, length, so one block of memory serves them all, and it is held while
other parts of the model run. With names of their own in each layer, values are freed after their last use, and the next
values of any shape take the memory. Within a layer nothing changes: operators still overwrite their inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import onnx

_FEWEST = 2  # dynamic sizes of a value that depends on all tokens


def separate_dimension_names(graph: onnx.GraphProto) -> None:
    """Give a number to the names of sizes, a new one wherever the shape changes along the graph.

    Values of equal shape that nodes connect keep names in common. So do all that the inputs and outputs of the graph
    are connected with, which keep the plain names: hidden states, for one.
    """
    values = {value.name: value for value in graph.value_info if len(_names(value)) >= _FEWEST}
    shapes = {name: _shape(value) for name, value in values.items()}
    shapes |= {value.name: _shape(value) for value in (*graph.input, *graph.output)}
    groups = _Groups(shapes)
    for first, second in _connected(graph, shapes):
        groups.join(first, second)
    plain = {groups.of(value.name) for value in (*graph.input, *graph.output)}
    numbers: dict[str, int] = {}
    for name, value in values.items():
        group = groups.of(name)
        for size in value.type.tensor_type.shape.dim if group not in plain else ():
            if size.dim_param:
                size.dim_param += f"_{numbers.setdefault(group, len(numbers))}"


def _connected(graph: onnx.GraphProto, shapes: dict[str, tuple[int | str, ...]]) -> Iterator[tuple[str, str]]:
    """Pairs of values with names in common: an input and an output of a node of equal shapes; rounded inputs of only
    one product and the product, whose sums take their names."""
    uses = Counter(name for node in graph.node for name in node.input)
    rounded = {
        value.name
        for value in graph.value_info
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8 and uses[value.name] == 1
    }
    for node in graph.node:
        outputs = [name for name in node.output if name in shapes and name not in rounded]
        for given in (name for name in node.input if name in shapes):
            yield from ((given, made) for made in outputs if shapes[given] == shapes[made] or given in rounded)


class _Groups:
    """Disjoint sets of names."""

    def __init__(self, names: dict[str, tuple[int | str, ...]]) -> None:
        self._parents = {name: name for name in names}

    def of(self, name: str) -> str:
        while self._parents[name] != name:
            name = self._parents[name]
        return name

    def join(self, first: str, second: str) -> None:
        self._parents[self.of(first)] = self.of(second)


def _shape(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    return tuple(size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim)


def _names(value: onnx.ValueInfoProto) -> list[str]:
    return [size.dim_param for size in value.type.tensor_type.shape.dim if size.dim_param]
