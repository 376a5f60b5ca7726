# SPDX-License-Identifier: Apache-2.0
"""Structure `codes`: rotated rows, quantized to 0 to 8 bits an entry."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from loewner.onnx.decoders.base import Array, Decoder
from loewner.onnx.graph import Body
from loewner.onnx.rotation import rotated_back, rotation_parameters, signs_of
from loewner.onnx.trellis import MOST_BITS, all_levels, first_level, level_numbers, table_parameters


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

    def flat_rows(self, ids: str) -> str:
        graph = self.graph
        counts = graph.op("Gather", graph.constant(self._row_bytes(), self._place_type()), self.steps())
        starts = graph.op("CumSum", counts, graph.constant(0), exclusive=1)
        values = {"step": self.steps(), "start": starts, "scale": self.array("scales")}
        parts = {name: graph.op("Gather", value, ids) for name, value in values.items()}
        parts["codes"] = self.array("codes")
        if self.has_shared():
            parts["shared"] = self.array("shared")
        parts |= self._parameters()
        return graph.call(f"Codes{self.spec['cols']}", parts, self._build_rows, self.label("rows"))

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

    def row_steps(self) -> Array:
        """The number of the step of each row, now."""
        bits = self._arrays["bits"][:, 0]
        return np.stack([bits & 15, bits >> 4], 1).reshape(-1)[: self.spec["rows"]].astype(int)

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
        parameters = table_parameters(self.graph)
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
        places = (planes * length + np.arange(length))[None, None]
        place = body.op("Add", body.reshape(start, [-1, count, 1, 1]), body.constant(places, type_))
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
