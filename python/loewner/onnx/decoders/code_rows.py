# SPDX-License-Identifier: Apache-2.0
"""Rows of structure `codes` that are looked up while a graph runs.

Tables give all places of the bytes of a row by its step, so that a lookup reads the bytes of all bands and planes in
one operator. A byte that a row lacks has the place of a zero behind all codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loewner.onnx.decoders.base import Array
from loewner.onnx.graph import Body
from loewner.onnx.rotation import rotated, rotated_back, rotation_parameters, signs_of
from loewner.onnx.trellis import MOST_BITS, all_levels, first_level, level_numbers, table_parameters, tables

if TYPE_CHECKING:
    from loewner.onnx.decoders.codes import BandClass, Codes


class CodeRows:
    """Rows of codes. Columns are in the order of the classes of bands until the end, those of most planes first."""

    def __init__(self, codes: Codes) -> None:
        self._codes, self._graph = codes, codes.graph
        self._steps = codes.row_steps()
        self._classes = sorted(codes.classes(), key=self._most, reverse=True)

    def rows(self, ids: str) -> str:
        """W[ids] without the shared row."""
        parts = {"levels": self._levels(ids), "scale": self._scales(ids)}
        for number, known in enumerate(self._classes):
            parts[f"signs_{number}"] = self._graph.constant(self._signs(known), np.int8)
            parts |= rotation_parameters(self._graph, known.width)
        label = self._codes.label("rows")
        return self._graph.call(f"RotateBands{self._codes.spec['cols']}", parts, self._build_rotation, label)

    def times(self, ids: str, right: str) -> str:
        """W[ids] times a matrix whose rows are rotated once, when the file loads, instead of each row of W."""
        graph = self._graph
        product = graph.op("MatMul", self._levels(ids), self._rotated_rows(right))
        return str(graph.op("Mul", product, self._scales(ids)))

    def _scales(self, ids: str) -> str:
        return str(self._graph.op("Gather", self._codes.row_scales(), ids))

    def _levels(self, ids: str) -> str:
        """The levels of some rows, float32."""
        graph, codes = self._graph, self._codes
        starts = graph.reshape(codes.starts(), [-1, 1])
        parts = {"step": graph.op("Gather", codes.steps(), ids), "start": graph.op("Gather", starts, ids)}
        flat = graph.reshape(codes.array("codes"), [-1])
        parts["codes"] = graph.op("Concat", flat, graph.constant([0], np.uint8), axis=0)
        parts["places"] = graph.constant(self._places(), codes.place_type())
        parts["first_levels"] = self._first_levels()
        parts["levels"] = graph.constant(np.append(all_levels(), 0), np.float32)
        parts |= table_parameters(graph)
        return graph.call(f"Codes{codes.spec['cols']}", parts, self._build_levels, codes.label("row_levels"))

    def _most(self, known: BandClass) -> int:
        """The number of planes that are read of a class."""
        return max(1, known.most_bits(self._steps))

    def _bytes_of(self, known: BandClass) -> int:
        """The bytes of a plane of a class."""
        return len(known.bands) * -(-known.width // 8)

    def _plane_bytes(self) -> list[int]:
        """The bytes of each plane of a row; those of plane 0 are all, the others have less."""
        most = self._most(self._classes[0])
        return [sum(self._bytes_of(k) for k in self._classes if self._most(k) > plane) for plane in range(most)]

    def _places(self) -> Array:
        """For each step the places of the bytes that `_build_levels` reads, relative to the start of a row.

        The byte before each one of plane 0, then plane after plane.
        """
        codes = self._codes
        missing = codes.spec["code_bytes"]
        before: list[Array] = []
        planes: list[list[Array]] = [[] for _ in self._plane_bytes()]
        for known in self._classes:
            length = -(-known.width // 8)
            inside = np.arange(length)
            strides = codes.plane_strides(length)[: len(known.bits), None, None]
            starts, coded = known.starts[:, :, None], known.bits[:, :, None]
            places = np.where(inside == 0, known.before[:, :, None], starts + inside - 1)
            before.append(np.where((coded > 0) & (places >= 0), places, missing).reshape(len(known.bits), -1))
            for plane in range(self._most(known)):
                place = starts + plane * strides + inside
                planes[plane].append(np.where(coded > plane, place, missing).reshape(len(known.bits), -1))
        return np.concatenate([piece for pieces in [before, *planes] for piece in pieces], axis=1)

    def _first_levels(self) -> str:
        """Step x column: where the levels of its bits begin. A column without bits has the zero behind all levels."""
        graph = self._graph
        first = [*(first_level(bits) for bits in range(MOST_BITS + 1))]
        first[0] = len(all_levels())
        bands = np.concatenate([np.array(first)[known.bits] for known in self._classes], axis=1)
        widths = np.concatenate([np.full(len(known.bands), known.width) for known in self._classes])
        columns = graph.constant(np.repeat(np.arange(len(widths)), widths), np.int32)
        return str(graph.op("Gather", graph.constant(bands, np.int32), columns, axis=1))

    def _build_levels(self, body: Body, at: dict[str, str]) -> str:
        places = body.op("Add", body.op("Gather", at["places"], at["step"]), at["start"])
        last = body.constant(self._codes.spec["code_bytes"], self._codes.place_type())
        found = body.cast(_elements(body, at["codes"], body.op("Min", places, last)), np.int32)
        lengths = self._plane_bytes()
        sizes = body.constant([lengths[0], *lengths])
        before, *planes = body.op("Split", found, sizes, outputs=1 + len(lengths), axis=1)
        known_tables = tables(body, at, len(lengths))
        numbers = self._by_columns(body, level_numbers(body, planes, before, known_tables, "Add", lengths))
        first = body.op("Gather", at["first_levels"], at["step"])
        return _elements(body, at["levels"], body.op("Add", numbers, first))

    def _by_columns(self, body: Body, numbers: str) -> str:
        """The numbers of the levels, rows x columns."""
        if all(known.width % 8 == 0 for known in self._classes):
            return body.reshape(numbers, [0, 8 * self._plane_bytes()[0]])
        sizes = [self._bytes_of(known) for known in self._classes]
        parts = [numbers]
        if len(sizes) > 1:
            parts = body.op("Split", numbers, body.constant(sizes), outputs=len(sizes), axis=1)
        each = [self._columns_of(body, part, known) for part, known in zip(parts, self._classes, strict=True)]
        return str(body.op("Concat", *each, axis=1)) if len(each) > 1 else each[0]

    def _columns_of(self, body: Body, numbers: str, known: BandClass) -> str:
        """The numbers of the levels of a class, rows x columns."""
        if known.width % 8:
            numbers = body.reshape(numbers, [0, len(known.bands), -1])
            numbers = body.slice(numbers, 0, known.width, 2)
        return body.reshape(numbers, [0, len(known.bands) * known.width])

    def _signs(self, known: BandClass) -> Array:
        """The signs of a class: round x band x width."""
        seeds = [(self._codes.spec["rotation_seed"] + band) % 2**64 for band in known.bands]
        return np.stack([signs_of(known.width, seed) for seed in seeds], axis=1)

    def _columns(self) -> Array:
        """The columns of W in the order of the classes."""
        widths = np.array(self._codes.spec.get("band_cols", [self._codes.spec["cols"]]))
        first = np.cumsum(widths) - widths
        return np.concatenate([first[band] + np.arange(k.width) for k in self._classes for band in k.bands])

    def _rotated_rows(self, right: str) -> str:
        """The levels of a row times this are its entries times the matrix, without its scale."""
        graph = self._graph
        turned = graph.op("Transpose", graph.op("Gather", right, graph.constant(self._columns()), axis=0), perm=[1, 0])
        sizes = [len(known.bands) * known.width for known in self._classes]
        parts = [turned]
        if len(sizes) > 1:
            parts = graph.op("Split", turned, graph.constant(sizes), outputs=len(sizes), axis=1)
        each = []
        for known, part in zip(self._classes, parts, strict=True):
            signs = graph.cast(graph.constant(self._signs(known), np.int8), np.float32)
            bands = graph.reshape(part, [-1, len(known.bands), known.width])
            entries = rotated(graph, bands, known.width, signs, rotation_parameters(graph, known.width))
            scaled = graph.op("Mul", entries, graph.constant(known.sizes[None, :, None], np.float32))
            each.append(graph.reshape(scaled, [0, -1]))
        return str(graph.op("Transpose", graph.op("Concat", *each, axis=1), perm=[1, 0]))

    def _build_rotation(self, body: Body, at: dict[str, str]) -> str:
        """The rows of some levels."""
        sizes = [len(known.bands) * known.width for known in self._classes]
        parts = [at["levels"]]
        if len(sizes) > 1:
            parts = body.op("Split", at["levels"], body.constant(sizes), outputs=len(sizes), axis=1)
        each = []
        for number, (known, part) in enumerate(zip(self._classes, parts, strict=True)):
            bands = body.reshape(part, [-1, len(known.bands), known.width]) if self._codes.has_bands() else part
            signs = body.cast(at[f"signs_{number}"], np.float32)
            entries = rotated_back(body, bands, known.width, signs, at)
            if self._codes.has_bands():
                entries = body.op("Mul", entries, body.constant(known.sizes[None, :, None], np.float32))
                entries = body.reshape(entries, [-1, len(known.bands) * known.width])
            each.append(entries)
        decoded = body.op("Concat", *each, axis=1) if len(each) > 1 else each[0]
        order = np.argsort(self._columns())
        if (np.diff(order) != 1).any():
            decoded = body.op("Gather", decoded, body.constant(order), axis=1)
        return str(body.op("Mul", decoded, at["scale"]))


def _elements(body: Body, values: str, places: str) -> str:
    """values[places] for a vector and a matrix of places. Gather would be slower, because it can find whole rows."""
    flat = body.op("GatherElements", values, body.reshape(places, [-1]))
    return str(body.op("Reshape", flat, body.op("Shape", places)))
