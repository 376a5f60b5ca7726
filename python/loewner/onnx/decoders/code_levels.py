# SPDX-License-Identifier: Apache-2.0
"""Levels of codes without bands, computed when a file loads.

Matrices of one width are decoded together: first all rows of 1 bit, then all rows of 2 bits, and so on. onnxruntime
keeps objects for each operator that it has folded, so few large operators leave less memory behind than many small
ones.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple, Protocol

import numpy as np

from loewner import _core
from loewner.onnx.graph import Body, Graph
from loewner.onnx.stages import stages_of
from loewner.onnx.trellis import MOST_BITS, level_table, packed_levels, packed_parameters

Array = np.ndarray[Any, Any]

MOST_ENTRIES = 2**26  # that are decoded together; onnxruntime does not fold operators with outputs of 1 GiB


class CodedMatrix(Protocol):
    """A matrix of codes."""

    spec: dict[str, Any]

    def array(self, name: str) -> str: ...

    def steps(self) -> str: ...

    def group_rows(self) -> list[int]: ...


class Form(NamedTuple):
    """What matrices that are decoded together have in common.

    bound: None for levels in float32, else the levels are int8 in [-bound, bound], over `level_steps`.
    """

    row_bytes: int  # of a plane
    bound: int | None


class MergedLevels:
    """The levels of the matrices of a graph whose rows have different bits."""

    order = 0

    def __init__(self, graph: Graph) -> None:
        self._graph, self._stages = graph, stages_of(graph)
        self._members: defaultdict[Form, list[tuple[CodedMatrix, str]]] = defaultdict(list)

    def add(self, matrix: CodedMatrix, form: Form) -> str:
        """The levels of a matrix, rows x 8 row_bytes. Its arrays become initializers now, the nodes are added later."""
        for array in ("codes", "bits"):
            matrix.array(array)
        name = self._graph.fresh("levels")
        self._members[form].append((matrix, name))
        return name

    def build(self) -> None:
        """Add the nodes, in batches of about the size of a stage."""
        sizes = {form: [_entries(matrix, form) for matrix, _ in members] for form, members in self._members.items()}
        of_stage = self._stages.mean_size(sum(map(sum, sizes.values())))
        for form, members in self._members.items():
            for batch in _in_batches(list(zip(members, sizes[form], strict=True)), of_stage):
                self._build_batch(form, [member for member, _ in batch], sum(size for _, size in batch))

    def _build_batch(self, form: Form, members: list[tuple[CodedMatrix, str]], size: int) -> None:
        graph, matrices = self._graph, [matrix for matrix, _ in members]
        counts = np.array([matrix.group_rows() for matrix in matrices])  # matrix x bits
        planes = self._planes_by_bits(form, matrices, counts, flat_shape(graph, size))
        parts = [] if counts[:, 0].sum() == 0 else [zero_levels(graph, int(counts[:, 0].sum()), form)]
        parts += [group_levels(graph, planes[bits], bits, form) for bits in sorted(planes)]
        levels, places = graph.concat(parts, 0), self._places(matrices)
        each = graph.split(places, counts.sum(1).tolist(), 0)
        for (_, name), own in zip(members, each, strict=True):
            graph.op("Gather", levels, own, outputs=[name])

    def _planes_by_bits(self, form: Form, matrices: list[CodedMatrix], counts: Array, flat: str) -> dict[int, str]:
        """The bytes of the planes of all rows of 1, 2, ... bits, plane after plane. flat: the shape [-1]."""
        graph = self._graph
        pieces: defaultdict[int, list[str]] = defaultdict(list)
        for matrix, rows in zip(matrices, counts, strict=True):
            coded = [bits for bits in range(1, MOST_BITS + 1) if rows[bits] > 0]
            sizes = [int(bits * rows[bits] * form.row_bytes) for bits in coded]
            codes = graph.op("Reshape", matrix.array("codes"), flat)
            for bits, piece in zip(coded, graph.split(codes, sizes, 0), strict=True):
                pieces[bits].append(piece)
        return {
            bits: each[0]
            if len(each) == 1
            else graph.concat([graph.reshape(piece, [bits, -1, form.row_bytes]) for piece in each], 1)
            for bits, each in pieces.items()
        }

    def _places(self, matrices: list[CodedMatrix]) -> str:
        """Where the rows of all matrices are among those sorted by bits."""
        graph, count = self._graph, sum(matrix.spec["rows"] for matrix in matrices)
        if any(matrix.spec["rows"] % 2 for matrix in matrices):
            steps = graph.concat([matrix.steps() for matrix in matrices], 0)
        else:
            steps = steps_of_halves(graph, graph.concat([matrix.array("bits") for matrix in matrices], 0), count)
        return places_by_step(graph, steps, count)


def _entries(matrix: CodedMatrix, form: Form) -> int:
    return int(matrix.spec["rows"] * form.row_bytes * 8)


def _in_batches(members: list[tuple[Any, int]], of_stage: float) -> list[list[tuple[Any, int]]]:
    """Members, which have sizes, in batches of consecutive ones and of about equal sizes."""
    total = sum(size for _, size in members)
    count = max(1, round(total / of_stage), -(-total // MOST_ENTRIES))
    batches: defaultdict[int, list[tuple[Any, int]]] = defaultdict(list)
    before = 0
    for member in members:
        batches[int((before + member[1] / 2) / total * count)].append(member)
        before += member[1]
    return list(batches.values())


def equal_levels(graph: Graph, matrix: CodedMatrix, bits: int, form: Form) -> str:
    """The levels of a matrix whose rows all have the same bits."""
    if bits == 0:
        return zero_levels(graph, matrix.spec["rows"], form)
    shape = flat_shape(graph, _entries(matrix, form))
    return group_levels(graph, graph.op("Reshape", matrix.array("codes"), shape), bits, form)


def flat_shape(graph: Graph, size: int) -> str:
    """The shape [-1], which becomes constant in the stage of work of some size."""
    return str(graph.op("Add", graph.constant([-1]), stages_of(graph).zero(size)))


def group_levels(graph: Graph, planes: str, bits: int, form: Form) -> str:
    """The levels of rows of some bits, from the bytes of their planes: rows x 8 row_bytes."""
    values = np.array(_core.trellis_levels(bits), np.float32)
    if form.bound is not None:
        values = np.rint(values / level_steps(form.bound)[bits]).astype(np.int8)
    table = graph.shared(f"levels_{bits}_{form.bound}", lambda: level_table(graph, bits, values))
    parts = {"planes": planes, "levels": table, **packed_parameters(graph, bits)}

    def build(body: Body, at: dict[str, str]) -> str:
        return packed_levels(body, at["planes"], bits, form.row_bytes, at)

    return graph.call(f"Levels{bits}Bits", parts, build, f"levels_of_{bits}_bits")


def zero_levels(graph: Graph, rows: int, form: Form) -> str:
    """The levels of rows of 0 bits."""
    zero = graph.constant(0, np.float32 if form.bound is None else np.int8)
    return str(graph.op("Expand", zero, graph.constant([rows, form.row_bytes * 8])))


def level_steps(bound: int) -> Array:
    """For 0, 1, ... bits: what the integers in [-bound, bound] are multiplied by."""
    return np.array([0, *(_core.trellis_levels(bits)[-1] / bound for bits in range(1, MOST_BITS + 1))], np.float32)


def steps_of_halves(graph: Graph, halves: str, rows: int) -> str:
    """The number of the step of each row, int32, from bytes with two of them each."""

    def build(body: Body, at: dict[str, str]) -> str:
        low = body.op("BitwiseAnd", at["bits"], body.constant(15, np.uint8))
        high = high_halves(body, at["bits"])
        steps = body.reshape(body.op("Concat", low, high, axis=1), [-1])
        return body.cast(body.slice(steps, 0, rows, 0) if rows % 2 else steps, np.int32)

    return graph.call("Steps", {"bits": halves}, build, "steps")


def high_halves(body: Body, values: str) -> str:
    """The upper four bits of bytes. The lower ones are cleared first, since OpenVINO rounds where it should shift."""
    upper = body.op("BitwiseAnd", values, body.constant(240, np.uint8))
    return str(body.op("BitShift", upper, body.constant(4, np.uint8), direction="RIGHT"))


def places_by_step(graph: Graph, steps: str, rows: int) -> str:
    """For each row its place among all rows sorted by step; rows of a step stay in their order. int64."""

    def build(body: Body, at: dict[str, str]) -> str:
        count = body.constant([rows])
        own_place = body.op("Range", *(body.constant(number, np.int32) for number in (0, rows, 1)))
        # Not all runtimes keep the order of equal numbers.
        places = body.op("Add", body.op("Mul", at["steps"], body.constant(rows, np.int32)), own_place)
        for _ in range(2):  # the places in the order of the places are the inverse permutation
            _, places = body.op("TopK", places, count, outputs=2, largest=0)
        return str(places)

    return graph.call("PlacesByStep", {"steps": steps}, build, "places_by_step")
