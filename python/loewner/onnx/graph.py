# SPDX-License-Identifier: Apache-2.0
"""New nodes, shared constants and local functions of an ONNX graph.

`Graph` adds to a model, `Body` is the inside of a local function. Both have `op` and `constant`, so the same code
writes into either. Values are known by their names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import onnx
from onnx import helper, numpy_helper

Array = np.ndarray[Any, Any]

OPSET = 18  # the first with bitwise operators
IR_VERSION = 8  # the first with local functions; onnxruntime reads it since it reads the opset
DOMAIN = "loewner"  # of the local functions
RUNTIME_DOMAIN = "com.microsoft"  # of operators that onnxruntime alone has


class Nodes(ABC):
    """A list of nodes that is being written."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._prefix = prefix
        self._count = 0

    def fresh(self, hint: str) -> str:
        """A new name of a value."""
        self._count += 1
        return f"{self._prefix}{hint}_{self._count}"

    def op(self, operator: str, *inputs: str, outputs: int | list[str] = 1, **attributes: Any) -> Any:
        """Add a node. Return the name of its output, or a list of names if there are several.

        outputs: the number of new names, or the names.
        """
        names = outputs if isinstance(outputs, list) else [self.fresh(operator) for _ in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=names[0], **attributes))
        return names[0] if len(names) == 1 else names

    @abstractmethod
    def constant(self, values: Any, dtype: Any = np.int64) -> str:
        """The name of an array. Equal arrays are one."""

    def cast(self, value: str, dtype: Any) -> str:
        name: str = self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        return name

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        """With -1 for the size that follows from the others and 0 for an unchanged one."""
        name: str = self.op("Reshape", value, self.constant(list(shape)))
        return name

    def slice(self, value: str, first: int, end: int, axis: int) -> str:
        bounds = [self.constant([bound]) for bound in (first, end, axis)]
        name: str = self.op("Slice", value, *bounds)
        return name

    def concat(self, values: list[str], axis: int) -> str:
        """Values one behind another. A single one stays as it is."""
        return values[0] if len(values) == 1 else str(self.op("Concat", *values, axis=axis))

    def split(self, value: str, sizes: list[int], axis: int) -> list[str]:
        """The parts of these sizes. A single one stays as it is."""
        if len(sizes) == 1:
            return [value]
        parts: list[str] = self.op("Split", value, self.constant(sizes), outputs=len(sizes), axis=axis)
        return parts


class Body(Nodes):
    """The nodes of a local function.

    Its constants are parameters, so all calls share them: onnxruntime keeps objects for each Constant of each call.
    """

    def __init__(self) -> None:
        super().__init__("")
        self.constants: dict[str, Array] = {}  # by parameter
        self._parameters: dict[tuple[Any, ...], str] = {}

    def constant(self, values: Any, dtype: Any = np.int64) -> str:
        array = np.asarray(values, dtype)
        key = _identity(array)
        if key not in self._parameters:
            self._parameters[key] = f"constant_{len(self.constants) + 1}"
            self.constants[self._parameters[key]] = array
        return self._parameters[key]


class AtEnd(Protocol):
    """Adds nodes to a graph when everything else is there.

    order: objects with a lower one come first, since they ask those with a higher one for values.
    """

    order: int

    def __init__(self, graph: Graph) -> None: ...

    def build(self) -> None: ...


Last = TypeVar("Last", bound=AtEnd)


class Graph(Nodes):
    """What is added to a model: nodes, initializers, and local functions in the domain "loewner"."""

    def __init__(self, prefix: str = "loewner/") -> None:
        super().__init__(prefix)
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.functions: dict[str, onnx.FunctionProto] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self._shared: dict[str, str] = {}
        self._at_end: dict[type[AtEnd], AtEnd] = {}

    def constant(self, values: Any, dtype: Any = np.int64) -> str:
        array = np.asarray(values, dtype)
        key = _identity(array)
        if key not in self._constants:
            name = self.fresh("constant")
            self._constants[key] = name
            self.initializers[name] = numpy_helper.from_array(array, name)
        return self._constants[key]

    def store(self, name: str, array: Array) -> str:
        """An initializer with a name of its own."""
        if name in self.initializers:
            raise ValueError(f"initializer '{name}' exists already")
        self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def shared(self, key: str, build: Callable[[], str]) -> str:
        """A value that is built once and used by several matrices."""
        if key not in self._shared:
            self._shared[key] = build()
        return self._shared[key]

    def at_end(self, kind: type[Last]) -> Last:
        """The one object of a kind, whose nodes are added by insert_into, when it knows all matrices."""
        if kind not in self._at_end:
            self._at_end[kind] = kind(self)
        found = self._at_end[kind]
        assert isinstance(found, kind)
        return found

    def call(self, name: str, inputs: dict[str, str], build: Callable[[Body, dict[str, str]], str], output: str) -> str:
        """Call a local function and return the name of its output.

        inputs: the values of its parameters by parameter. build: writes the body, with the names of the parameters, and
        returns the name of the result. Equal bodies are one function; others of the same name get a number.
        """
        body = Body()
        result = build(body, {parameter: parameter for parameter in inputs})
        given = inputs | {parameter: self.constant(array, array.dtype) for parameter, array in body.constants.items()}
        function = self._function(name, list(given), result, body)
        value = self.fresh(output)
        self.nodes.append(helper.make_node(function, list(given.values()), [value], name=value, domain=DOMAIN))
        return value

    def _function(self, name: str, parameters: list[str], result: str, body: Body) -> str:
        number = 1
        while True:
            candidate = name if number == 1 else f"{name}_{number}"
            function = helper.make_function(
                DOMAIN, candidate, parameters, [result], body.nodes, [helper.make_opsetid("", OPSET)]
            )
            known = self.functions.setdefault(candidate, function)
            if known is function or known.SerializeToString(True) == function.SerializeToString(True):
                return candidate
            number += 1

    def insert_into(self, model: onnx.ModelProto) -> None:
        """Add everything to a model and sort its nodes, so that each follows those that it uses."""
        for last in sorted(self._at_end.values(), key=lambda last: last.order):
            last.build()
        nodes = in_order([*self.nodes, *model.graph.node])
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(self.initializers.values())
        imported = {entry.domain for entry in model.opset_import}
        for function in self.functions.values():  # a function may not use an older form of an operator than its model
            function.opset_import[0].version = standard_opset(model)
        model.functions.extend(self.functions.values())
        own = {node.domain for node in self.nodes} | ({DOMAIN} if self.functions else set())
        model.opset_import.extend(helper.make_opsetid(domain, 1) for domain in sorted(own - imported - {""}))


def standard_opset(model: onnx.ModelProto) -> int:
    """The opset of ONNX's standard domain, which has two names."""
    return next(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def in_order(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes in an order in which each follows those that it uses, near the given one."""
    producer = {name: number for number, node in enumerate(nodes) for name in node.output if name}
    needed = [{producer[name] for name in _used(node) if name in producer} for node in nodes]
    placed: list[int] = []
    done = [False] * len(nodes)
    for first in range(len(nodes)):
        waiting = [first]
        while waiting:
            number = waiting[-1]
            missing = [other for other in sorted(needed[number]) if not done[other]]
            if done[number] or not missing:
                waiting.pop()
                if not done[number]:
                    done[number] = True
                    placed.append(number)
            elif len(waiting) > len(nodes):
                raise ValueError(f"node '{nodes[number].name}' is in a cycle")
            else:
                waiting.extend(missing)
    return [nodes[number] for number in placed]


def _used(node: onnx.NodeProto) -> set[str]:
    """The values that a node or the graphs inside it use."""
    used = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            for inner in graph.node:
                used |= _used(inner)
    return used


def _identity(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return array.dtype.str, array.shape, array.tobytes()
