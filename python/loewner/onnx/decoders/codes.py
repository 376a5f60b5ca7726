# SPDX-License-Identifier: Apache-2.0
"""Structure `codes`: rotated rows, quantized to 0 to 8 bits an entry."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from loewner.onnx.decoders.base import Array, Arrays, Decoder
from loewner.onnx.decoders.code_layout import by_planes, by_rows, equal_bits, group_places, steps_of
from loewner.onnx.decoders.code_levels import Form, MergedLevels, equal_levels, places_by_step, steps_of_halves
from loewner.onnx.decoders.code_rows import CodeRows
from loewner.onnx.rotation import LARGEST_MATRIX, call_rotation, rotation_matrix
from loewner.onnx.trellis import MOST_BITS


class BandClass(NamedTuple):
    """The bands of one width. They are decoded together."""

    width: int
    bands: list[int]
    starts: Array  # step x band: where the band begins in the bytes of a row
    bits: Array  # step x band
    sizes: Array  # the factor of each band
    before: Array  # step x band: the place in a row of the byte before plane 0, or -1 for zero

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
        if spec["code_bytes"] == 0:  # no graph reads an array without bytes
            stored = {"codes": np.empty((0, 1), np.uint8), **stored}
        if "band_cols" in spec:
            return stored
        stored = {**stored, "bits": stored.get("bits", equal_bits(spec))}
        return {**stored, "codes": by_rows(spec, stored)}

    def flat_rows(self, ids: str) -> str:
        graph, rows = self.graph, CodeRows(self).rows(ids)
        if not self.has_shared():
            return rows
        step, scale = (graph.op("Gather", value, ids) for value in (self.steps(), self.row_scales()))
        is_zero = graph.op("Equal", graph.reshape(step, [-1, 1]), graph.constant(0, np.int32))
        return str(graph.op("Where", is_zero, graph.op("Mul", scale, self._shared_row()), rows))

    def flat_rows_times(self, ids: str, right: str) -> str:
        return super().flat_rows_times(ids, right) if self.has_shared() else CodeRows(self).times(ids, right)

    def work(self) -> int:
        return 4 * super().work()  # lookups leave 150 to 160 bytes behind for each entry

    def whole(self) -> str:
        if self.has_bands():
            return super().whole()
        graph = self.graph
        scale = self.row_scales()
        matrix = graph.op("Mul", self.unrotated(self.levels()), scale)
        if self.has_shared():
            is_zero = graph.op("Equal", graph.reshape(self.steps(), [-1, 1]), graph.constant(0, np.int32))
            matrix = graph.op("Where", is_zero, graph.op("Mul", scale, self._shared_row()), matrix)
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
        form = Form(-(-cols // 8), bound)
        groups = [bits for bits, rows in enumerate(self.group_rows()) if rows > 0]
        if len(groups) > 1:
            levels = graph.at_end(MergedLevels).add(self, form)
        else:
            levels = equal_levels(graph, self, groups[0], form)
        return graph.slice(levels, 0, cols, 1) if cols % 8 else levels

    def group_rows(self) -> list[int]:
        """The number of rows of 0, 1, ... bits."""
        return [rows for _, rows in group_places(self.spec, self._arrays)]

    def row_scales(self) -> str:
        """The scale of each row: rows x 1, float32."""
        factor = self.graph.constant(2.0 ** self.spec["scale_exponent"], np.float32)
        return str(self.graph.op("Mul", self.graph.cast(self.array("scales"), np.float32), factor))

    def steps(self) -> str:
        """The number of the step of each row, int32."""
        graph = self.graph
        return graph.shared(self.label("steps"), lambda: steps_of_halves(graph, self.array("bits"), self.spec["rows"]))

    def has_bands(self) -> bool:
        """Whether the columns are cut into bands."""
        return "band_cols" in self.spec

    def row_steps(self) -> Array:
        """The number of the step of each row, now."""
        return steps_of(self.spec, self._arrays)

    def starts(self) -> str:
        """The place of the first byte of each row in the array `codes`."""
        graph = self.graph
        if self.has_bands():
            counts = graph.op("Gather", graph.constant(self._row_bytes(), self.place_type()), self.steps())
            return str(graph.op("CumSum", counts, graph.constant(0), exclusive=1))
        length, groups = -(-self.spec["cols"] // 8), group_places(self.spec, self._arrays)
        rows_before = np.cumsum([0, *(rows for _, rows in groups[:-1])])
        firsts = np.array([first for first, _ in groups]) - length * rows_before
        place = graph.cast(places_by_step(graph, self.steps(), self.spec["rows"]), self.place_type())
        inside = graph.op("Mul", place, graph.constant(length, self.place_type()))
        return str(graph.op("Add", graph.op("Gather", graph.constant(firsts, self.place_type()), self.steps()), inside))

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
        before = self.bytes_before(starts, bits, -(-widths // 8))
        found = []
        for width in dict.fromkeys(widths.tolist()):
            bands = np.flatnonzero(widths == width)
            found.append(
                BandClass(width, bands.tolist(), starts[:, bands], bits[:, bands], sizes[bands], before[:, bands])
            )
        return found

    def bytes_before(self, starts: Array, bits: Array, lengths: Array) -> Array:
        """Step x band: where in a row the byte before plane 0 is; -1 if it is zero."""
        return np.full(starts.shape, -1)

    def _row_bytes(self) -> Array:
        """The bytes of a row at each step."""
        sizes = [(known.bits * -(-known.width // 8)).sum(1) for known in self.classes()]
        return np.asarray(np.sum(sizes, axis=0))

    def place_type(self) -> Any:
        """The type of places in the array `codes`, and of sums of two."""
        return np.int32 if self.spec["code_bytes"] < 2**30 else np.int64

    def plane_strides(self, length: int) -> Array:
        """For each step the bytes between the planes of a band of `length` bytes."""
        if self.has_bands():
            return np.full(len(self.spec["band_bits"]), length)
        return np.array([rows * length for _, rows in group_places(self.spec, self._arrays)])

    def _shared_row(self) -> str:
        return self.graph.reshape(self.graph.cast(self.array("shared"), np.float32), [1, -1])
