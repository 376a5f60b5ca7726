# SPDX-License-Identifier: Apache-2.0
"""Where the graph of a model uses its initializers, and which of its values come from which inputs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from onnx import GraphProto, NodeProto, helper

from loewner.onnx.reading import subgraphs

CARRIERS = ("Identity", "Cast")  # nodes that hand the matrix on
_SAME_VALUES = (*CARRIERS, "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Clip", "Slice", "Where", "Expand", "Concat")
_LONGEST_WAY = 32  # nodes between an input and a table


@dataclass(frozen=True)
class Use:
    """Input number `index` of a node gets the matrix, or its transpose."""

    node: NodeProto
    index: int
    transposed: bool = False


class Uses:
    """The uses of each initializer, through Identity, Cast and Transpose nodes."""

    def __init__(self, graph: GraphProto) -> None:
        self._consumers: dict[str, list[tuple[NodeProto, int]]] = defaultdict(list)
        self._producers: dict[str, NodeProto] = {}
        self._in_bodies: dict[str, NodeProto] = {}
        self._inputs = {value.name for value in graph.input}
        self._outputs = {value.name for value in graph.output}
        for node in graph.node:
            for index, name in enumerate(node.input):
                self._consumers[name].append((node, index))
            for name in node.output:
                self._producers[name] = node
            for body in subgraphs(node):
                for name in _outer_names(body):
                    self._in_bodies.setdefault(name, node)

    def of(self, name: str) -> list[Use]:
        found: list[Use] = []
        self._collect(name, False, found, 0)
        return found

    def body_of(self, name: str) -> NodeProto | None:
        """A node, such as If or Loop, whose body uses the value."""
        return self._in_bodies.get(name)

    def is_graph_input(self, name: str) -> bool:
        return name in self._inputs

    def is_graph_output(self, name: str) -> bool:
        return name in self._outputs

    def graph_input_of(self, name: str) -> str | None:
        """The graph input that a value is, but for casts and changes of shape; None if it is computed or constant."""
        for _ in range(_LONGEST_WAY):
            if name in self._inputs:
                return name
            node = self._producers.get(name)
            if node is None or node.op_type not in _SAME_VALUES:
                return None
            name = node.input[1] if node.op_type == "Where" else node.input[0]
        return None

    def is_constant(self, name: str) -> bool:
        """Whether nothing computes the value but a Constant node."""
        node = self._producers.get(name)
        return name not in self._inputs and (node is None or node.op_type == "Constant")

    def _collect(self, name: str, transposed: bool, found: list[Use], depth: int) -> None:
        for node, index in self._consumers.get(name, []):
            if depth < _LONGEST_WAY and node.op_type in CARRIERS:
                self._collect(node.output[0], transposed, found, depth + 1)
            elif depth < _LONGEST_WAY and node.op_type == "Transpose" and _swaps(node):
                self._collect(node.output[0], not transposed, found, depth + 1)
            else:
                found.append(Use(node, index, transposed))


def attribute(node: NodeProto, name: str, default: int) -> int:
    """An integer attribute."""
    for entry in node.attribute:
        if entry.name == name:
            return int(helper.get_attribute_value(entry))
    return default


def _swaps(node: NodeProto) -> bool:
    """Whether a Transpose swaps the two dimensions of a matrix."""
    perm = [list(helper.get_attribute_value(entry)) for entry in node.attribute if entry.name == "perm"]
    return not perm or perm[0] == [1, 0]


def _outer_names(body: GraphProto) -> set[str]:
    """Names that a body takes from the graphs around it."""
    own = {value.name for value in body.input} | {tensor.name for tensor in body.initializer}
    outer: set[str] = set()
    for node in body.node:
        outer.update(name for name in node.input if name and name not in own)
        for nested in subgraphs(node):
            outer.update(_outer_names(nested) - own)
        own.update(node.output)
    outer.update(value.name for value in body.output if value.name not in own)
    return outer
