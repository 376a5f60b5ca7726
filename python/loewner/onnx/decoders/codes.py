# SPDX-License-Identifier: Apache-2.0
"""Structure `codes`: rotated rows, quantized to 0 to 8 bits an entry."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from loewner import _core
from loewner.onnx.decoders.base import Array, Arrays, Decoder
from loewner.onnx.decoders.code_layout import STEPS, by_planes, by_rows, equal_bits, group_places, steps_of
from loewner.onnx.graph import Body
from loewner.onnx.rotation import (
    LARGEST_MATRIX,
    call_rotation,
    rotated_back,
    rotation_matrix,
    rotation_parameters,
    signs_of,
)
from loewner.onnx.stages import zero_of_stage
from loewner.onnx.trellis import (
    MOST_BITS,
    all_levels,
    first_level,
    level_numbers,
    level_table,
    packed_levels,
    packed_parameters,
    table_parameters,
)


class BandClass(NamedTuple):
    """The bands of one width. They are decoded together."""

    width: int
    bands: list[int]
    starts: Array  # step x band: where the band begins in the bytes of a row
    bits: Array  # step x band
    sizes: Array  # the factor of each band

    def most_bits(self, steps: Array) -> int:
        """The largest number of bits at some steps."""
        return int(self.bits[steps].max())


class Codes(Decoder):
    """Row i is s_i R^-1 q_i: scale s_i, rotation R, quantized entries q_i of 0 to 8 bits.

    The columns may be cut into bands with their own rotation and numbers of bits; without bands there is one.
    """

    @staticmethod
    def to_stored(spec: dict[str, Any], arrays: Arrays) -> Arrays:
        return arrays if "band_cols" in spec else {**arrays, "codes": by_planes(spec, arrays)}

    @staticmethod
    def from_stored(spec: dict[str, Any], stored: Arrays) -> Arrays:
        if "band_cols" in spec:
            return stored
        stored = {**stored, "bits": stored.get("bits", equal_bits(spec))}
        return {**stored, "codes": by_rows(spec, stored)}

    def flat_rows(self, ids: str) -> str:
        graph = self.graph
        values = {"step": self.steps(), "start": self._starts(), "scale": self.array("scales")}
        parts = {name: graph.op("Gather", value, ids) for name, value in values.items()}
        parts["codes"] = self.array("codes")
        if self.has_shared():
            parts["shared"] = self.array("shared")
        parts |= self._parameters()
        return graph.call(f"Codes{self.spec['cols']}", parts, self._build_rows, self.label("rows"))

    def whole(self) -> str:
        if self.has_bands():
            return super().whole()
        graph = self.graph
        scale = self.row_scales()
        matrix = graph.op("Mul", self.unrotated(self.levels()), scale)
        if self.has_shared():
            shared = graph.reshape(graph.cast(self.array("shared"), np.float32), [1, -1])
            is_zero = graph.op("Equal", graph.reshape(self.steps(), [-1, 1]), graph.constant(0, np.int32))
            matrix = graph.op("Where", is_zero, graph.op("Mul", scale, shared), matrix)
        return str(matrix)

    def unrotated(self, levels: str) -> str:
        """Rows rotated back."""
        cols, seed = self.spec["cols"], self.spec["rotation_seed"]
        if cols > LARGEST_MATRIX:
            return call_rotation(self.graph, levels, cols, seed, self.label("rotated_back"), back=True)
        return str(self.graph.op("MatMul", levels, rotation_matrix(self.graph, cols, seed)))

    def levels(self, bound: int | None = None) -> str:
        """The levels of all rows of codes without bands, before rotation and scales; those of 0 bits are zero.

        float32, or with a bound int8 in [-bound, bound]: levels over `level_steps`.
        """
        graph, cols = self.graph, self.spec["cols"]
        length = -(-cols // 8)
        groups = [(bits, rows) for bits, (_, rows) in enumerate(group_places(self.spec, self._arrays)) if rows > 0]
        coded = [(bits, rows) for bits, rows in groups if bits > 0]
        shape = graph.op("Add", graph.constant([-1]), zero_of_stage(graph, self.spec["rows"] * cols))
        flat = graph.op("Reshape", self.array("codes"), shape)
        each = iter([flat])
        if len(coded) > 1:
            sizes = graph.constant([bits * rows * length for bits, rows in coded])
            each = iter(graph.op("Split", flat, sizes, outputs=len(coded), axis=0))
        parts = [
            self._group_levels(next(each), bits, bound) if bits > 0 else self._zero_levels(rows, bound)
            for bits, rows in groups
        ]
        levels = parts[0]
        if len(parts) > 1:
            joined = graph.op("Concat", *parts, axis=0)
            counts = np.bincount([bits for bits, _ in groups], [rows for _, rows in groups], STEPS).astype(int)
            first = graph.op("Gather", graph.constant(np.cumsum(counts) - counts, np.int32), self.steps())
            levels = graph.op("Gather", joined, graph.op("Add", first, self._ranks()))
        return graph.slice(levels, 0, cols, 1) if cols % 8 else levels

    def level_steps(self, bound: int) -> Array:
        """For 0, 1, ... bits: what the integers of `levels` are multiplied by."""
        return np.array([0, *(_core.trellis_levels(bits)[-1] / bound for bits in range(1, MOST_BITS + 1))], np.float32)

    def row_scales(self) -> str:
        """The scale of each row: rows x 1, float32."""
        factor = self.graph.constant(2.0 ** self.spec["scale_exponent"], np.float32)
        return str(self.graph.op("Mul", self.graph.cast(self.array("scales"), np.float32), factor))

    def _group_levels(self, planes: str, bits: int, bound: int | None) -> str:
        """The levels of the rows of some bits, from the bytes of their planes."""
        length = -(-self.spec["cols"] // 8)
        values = np.array(_core.trellis_levels(bits), np.float32)
        if bound is not None:
            values = np.rint(values / self.level_steps(bound)[bits]).astype(np.int8)
        key = f"levels_{bits}_{bound}"
        table = self.graph.shared(key, lambda: level_table(self.graph, bits, values))
        parts = {"planes": planes, "levels": table, **packed_parameters(self.graph, bits)}

        def build(body: Body, at: dict[str, str]) -> str:
            return packed_levels(body, at["planes"], bits, length, at)

        return self.graph.call(f"Levels{bits}Bits", parts, build, self.label("levels"))

    def _zero_levels(self, rows: int, bound: int | None) -> str:
        zero = self.graph.constant(0, np.float32 if bound is None else np.int8)
        return str(self.graph.op("Expand", zero, self.graph.constant([rows, -(-self.spec["cols"] // 8) * 8])))

    def steps(self) -> str:
        """The number of the step of each row, int32."""
        graph = self.graph

        def halves() -> str:
            bits = self.array("bits")
            low = graph.op("BitwiseAnd", bits, graph.constant(15, np.uint8))
            high = graph.op("BitShift", bits, graph.constant(4, np.uint8), direction="RIGHT")
            steps = graph.reshape(graph.op("Concat", low, high, axis=1), [-1])
            return graph.cast(graph.slice(steps, 0, self.spec["rows"], 0), np.int32)

        return graph.shared(self.label("steps"), halves)

    def has_bands(self) -> bool:
        """Whether the columns are cut into bands."""
        return "band_cols" in self.spec

    def row_steps(self) -> Array:
        """The number of the step of each row, now."""
        return steps_of(self.spec, self._arrays)

    def _starts(self) -> str:
        """The place of the first byte of each row in the array `codes`."""
        graph = self.graph
        if self.has_bands():
            counts = graph.op("Gather", graph.constant(self._row_bytes(), self._place_type()), self.steps())
            return str(graph.op("CumSum", counts, graph.constant(0), exclusive=1))
        length = graph.constant(-(-self.spec["cols"] // 8), self._place_type())
        inside = graph.op("Mul", graph.cast(self._ranks(), self._place_type()), length)
        firsts = graph.constant([first for first, _ in group_places(self.spec, self._arrays)], self._place_type())
        return str(graph.op("Add", graph.op("Gather", firsts, self.steps()), inside))

    def _ranks(self) -> str:
        """For each row, how many rows before it have the same step."""
        graph = self.graph

        def ranks() -> str:
            choices = graph.constant(np.arange(self.row_steps().max() + 1)[None], np.int32)
            column = graph.op("Unsqueeze", self.steps(), graph.constant([1]))
            is_step = graph.cast(graph.op("Equal", column, choices), np.int32)
            counts = graph.op("Mul", is_step, graph.op("CumSum", is_step, graph.constant(0)))
            total = graph.op("ReduceSum", counts, graph.constant([1]), keepdims=0)
            return str(graph.op("Sub", total, graph.constant(1, np.int32)))

        return graph.shared(self.label("ranks"), ranks)

    def has_shared(self) -> bool:
        """Whether some row is a multiple of the shared row."""
        return "shared" in self._arrays and bool((self.row_steps() == 0).any())

    def classes(self) -> list[BandClass]:
        """The bands by their width."""
        widths = np.array(self.spec.get("band_cols", [self.spec["cols"]]))
        sizes = np.array(self.spec.get("band_sizes", [1]), np.float32)
        bits = np.array(self.spec.get("band_bits", [[b] for b in range(MOST_BITS + 1)]))
        band_bytes = bits * -(-widths // 8)
        starts = np.cumsum(band_bytes, axis=1) - band_bytes
        found = []
        for width in dict.fromkeys(widths.tolist()):
            bands = np.flatnonzero(widths == width)
            found.append(BandClass(width, bands.tolist(), starts[:, bands], bits[:, bands], sizes[bands]))
        return found

    def _row_bytes(self) -> Array:
        """The bytes of a row at each step."""
        sizes = [(known.bits * -(-known.width // 8)).sum(1) for known in self.classes()]
        return np.asarray(np.sum(sizes, axis=0))

    def _place_type(self) -> Any:
        return np.int32 if self.spec["code_bytes"] < 2**31 else np.int64

    def _parameters(self) -> dict[str, str]:
        """The constants of the function: tables, signs and matrices of rotations."""
        steps = self.row_steps()
        parameters = table_parameters(self.graph, max(known.most_bits(steps) for known in self.classes()))
        parameters["levels"] = self.graph.constant(all_levels(), np.float32)
        for number, known in enumerate(self.classes()):
            seeds = [(self.spec["rotation_seed"] + band) % 2**64 for band in known.bands]
            signs = np.stack([signs_of(known.width, seed) for seed in seeds], axis=1)
            parameters[f"signs_{number}"] = self.graph.constant(signs, np.int8)
            parameters |= rotation_parameters(self.graph, known.width)
        return parameters

    def _build_rows(self, body: Body, at: dict[str, str]) -> str:
        scale = body.reshape(body.cast(at["scale"], np.float32), [-1, 1])
        scale = body.op("Mul", scale, body.constant(2.0 ** self.spec["scale_exponent"], np.float32))
        classes = self.classes()
        parts = [self._build_class(body, at, number, known, scale) for number, known in enumerate(classes)]
        decoded = parts[0] if len(parts) == 1 else body.op("Concat", *parts, axis=1)
        order = self._column_order(classes)
        if (np.diff(order) != 1).any():
            decoded = body.op("Gather", decoded, body.constant(order), axis=1)
        if self.has_shared():
            is_zero = body.op("Equal", body.reshape(at["step"], [-1, 1]), body.constant(0, np.int32))
            shared = body.op("Mul", scale, body.reshape(body.cast(at["shared"], np.float32), [1, -1]))
            decoded = body.op("Where", is_zero, shared, decoded)
        return str(decoded)

    def _build_class(self, body: Body, at: dict[str, str], number: int, known: BandClass, scale: str) -> str:
        """The columns of a class, one band after another."""
        count, width = len(known.bands), known.width
        most = known.most_bits(self.row_steps())
        if most == 0:
            return str(body.op("Mul", scale, body.constant(np.zeros((1, count * width)), np.float32)))
        bits = body.op("Gather", body.constant(known.bits, np.int32), at["step"])
        levels = self._build_levels(body, at, known, bits, most)
        signs = body.cast(at[f"signs_{number}"], np.float32)
        entries = rotated_back(body, levels, width, signs, at)
        has_bits = body.cast(body.op("Greater", bits, body.constant(0, np.int32)), np.float32)
        factor = body.op("Mul", scale, body.op("Mul", has_bits, body.constant(known.sizes[None], np.float32)))
        scaled = body.op("Mul", entries, body.op("Unsqueeze", factor, body.constant([2])))
        return body.reshape(scaled, [-1, count * width])

    def _build_levels(self, body: Body, at: dict[str, str], known: BandClass, bits: str, most: int) -> str:
        """The levels of the bands of a class: row x band x width. Planes that a row lacks are zero."""
        count, width = len(known.bands), known.width
        length = -(-width // 8)
        type_ = self._place_type()
        start = body.op("Gather", body.constant(known.starts, type_), at["step"])
        start = body.op("Add", start, body.op("Unsqueeze", at["start"], body.constant([1])))
        planes = np.arange(most)[:, None]
        if self.has_bands():
            places = body.constant((planes * length + np.arange(length))[None, None], type_)
        else:
            strides = [rows * length for _, rows in group_places(self.spec, self._arrays)]
            stride = body.reshape(body.op("Gather", body.constant(strides, type_), at["step"]), [-1, 1, 1, 1])
            plane = body.op("Mul", stride, body.constant(planes[None, None], type_))
            places = body.op("Add", plane, body.constant(np.arange(length)[None, None, None], type_))
        place = body.op("Add", body.reshape(start, [-1, count, 1, 1]), places)
        exists = body.op("Less", body.constant(planes[None, None], np.int32), body.reshape(bits, [-1, count, 1, 1]))
        found = body.op("Gather", at["codes"], body.op("Where", exists, place, body.constant(0, type_)))
        found = body.op("Where", exists, body.reshape(found, [-1, count, most, length]), body.constant(0, np.uint8))
        each = [body.op("Gather", found, body.constant(plane), axis=2) for plane in range(most)]
        numbers = body.cast(level_numbers(body, each, 2, at), np.int32)
        first = body.op("Gather", body.constant([first_level(b) for b in range(MOST_BITS + 1)], np.int32), bits)
        numbers = body.op("Add", numbers, body.reshape(first, [-1, count, 1, 1]))
        levels = body.reshape(body.op("Gather", at["levels"], numbers), [-1, count, 8 * length])
        return body.slice(levels, 0, width, 2) if width % 8 else levels

    def _column_order(self, classes: list[BandClass]) -> Array:
        """For each column its place behind one another of the classes."""
        widths = np.array(self.spec.get("band_cols", [self.spec["cols"]]))
        first = np.cumsum(widths) - widths
        columns = [first[band] + np.arange(known.width) for known in classes for band in known.bands]
        return np.argsort(np.concatenate(columns))
