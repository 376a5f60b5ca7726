# SPDX-License-Identifier: Apache-2.0
"""One encoded matrix in an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from loewner._structures import STRUCTURES
from loewner.onnx.graph import Graph
from loewner.onnx.stages import stages_of

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


class Decoder:
    """A matrix W (rows x cols) that a graph decodes from its stored arrays.

    One object belongs to one graph. Arrays become initializers when they are first used, and once only. `rows` and
    `matrix` add nodes of ONNX's standard domain, grouped in local functions, and return the name of a float32 value. A
    runtime computes what depends on initializers alone when it loads the file.

    A structure may store its arrays in another order, which its graph reads more easily: `to_stored` and `from_stored`.
    """

    def __init__(self, graph: Graph, prefix: str, spec: dict[str, Any], arrays: Arrays) -> None:
        """spec, arrays: as in docs/format.md. prefix: of the initializers' names, such as "encoder.dense."."""
        self.graph, self.prefix, self.spec = graph, prefix, spec
        self._arrays = self.to_stored(spec, arrays)
        self._names: dict[str, str] = {}
        self._nested: dict[str, Decoder] = {}
        self._matrix: str | None = None
        self._transposed: str | None = None

    @staticmethod
    def to_stored(spec: dict[str, Any], arrays: Arrays) -> Arrays:
        """The arrays of the initializers, from those of docs/format.md."""
        return arrays

    @staticmethod
    def from_stored(spec: dict[str, Any], stored: Arrays) -> Arrays:
        """The arrays of docs/format.md, from those of the initializers."""
        return stored

    def rows(self, ids: str) -> str:
        """W[ids] for an integer value of any shape: that shape, and one more axis of length cols."""
        flat = self.flat_rows(self.graph.reshape(ids, [-1]))
        cols = self.graph.constant([self.spec["cols"]])
        shape = self.graph.op("Concat", self.graph.op("Shape", ids), cols, axis=0)
        return str(self.graph.op("Reshape", flat, shape))

    def matrix(self) -> str:
        """W, rows x cols. All calls return the same value."""
        if self._matrix is None:
            self._matrix = self.whole()
        return self._matrix

    def transposed(self) -> str:
        """W^T, cols x rows. All calls return the same value."""
        if self._transposed is None:
            self._transposed = self.whole_transposed()
        return self._transposed

    def flat_rows(self, ids: str) -> str:
        """W[ids] for a vector of ids."""
        return str(self.graph.op("Gather", self.matrix(), ids))

    def flat_rows_times(self, ids: str, right: str) -> str:
        """W[ids] times a matrix that is known when the file loads."""
        return str(self.graph.op("MatMul", self.flat_rows(ids), right))

    def whole(self) -> str:
        """W, in new nodes."""
        return self.flat_rows(self.all_rows())

    def work(self) -> int:
        """The size of `flat_rows` of all rows for loewner.onnx.stages."""
        return int(self.spec["rows"] * self.spec["cols"])

    def all_rows(self) -> str:
        """The ids of all rows. They become constant in a stage, in which runtimes decode the matrix."""
        graph, rows = self.graph, self.spec["rows"]
        zero = stages_of(graph).zero(self.work())
        return str(graph.op("Range", zero, graph.constant(rows), graph.constant(1)))

    def whole_transposed(self) -> str:
        """W^T, in new nodes."""
        return self.turned(self.matrix())

    def turned(self, matrix: str) -> str:
        """The transpose of a matrix."""
        return str(self.graph.op("Transpose", matrix, perm=[1, 0]))

    def array(self, name: str) -> str:
        """The initializer of a stored array."""
        if name not in self._names:
            self._names[name] = self.graph.store(f"{self.prefix}{name}", self._arrays[name])
        return self._names[name]

    def nested(self, name: str) -> Decoder:
        """The matrix that the structure contains under a name."""
        if name not in self._nested:
            own = {
                key.removeprefix(f"{name}_"): array for key, array in self._arrays.items() if key.startswith(f"{name}_")
            }
            self._nested[name] = new_decoder(self.graph, f"{self.prefix}{name}_", self.spec[name], own)
        return self._nested[name]

    def label(self, what: str) -> str:
        """The name of a value of this matrix."""
        return f"{self.prefix}{what}"


def new_decoder(graph: Graph, prefix: str, spec: dict[str, Any], arrays: Arrays) -> Decoder:
    """The decoder of the structure that a specification names."""
    return STRUCTURES[spec["structure"]].decoder_class()(graph, prefix, spec, arrays)


def format_arrays(spec: dict[str, Any], stored: Arrays) -> Arrays:
    """The arrays of docs/format.md, from initializers by their names without the prefix."""
    arrays = dict(stored)
    for field, inner in spec.items():
        if isinstance(inner, dict) and inner.get("structure") in STRUCTURES:
            own = {key: array for key, array in stored.items() if key.startswith(f"{field}_")}
            for key in own:
                del arrays[key]
            bare = {key.removeprefix(f"{field}_"): array for key, array in own.items()}
            arrays.update({f"{field}_{key}": array for key, array in format_arrays(inner, bare).items()})
    return STRUCTURES[spec["structure"]].decoder_class().from_stored(spec, arrays)
