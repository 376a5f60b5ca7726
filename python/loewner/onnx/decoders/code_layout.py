# SPDX-License-Identifier: Apache-2.0
"""The order of the bytes of codes without bands in an ONNX file.

Rows of the same number of bits are together, and of such a group plane after plane, so that one operator decodes a
plane of all rows of a group.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

STEPS = 16  # a half byte


def steps_of(spec: dict[str, Any], arrays: Arrays) -> Array:
    """The number of the step of each row; without bands its bits."""
    bits = arrays["bits"][:, 0]
    return np.stack([bits & 15, bits >> 4], 1).reshape(-1)[: spec["rows"]].astype(int)


def group_places(spec: dict[str, Any], arrays: Arrays) -> list[tuple[int, int]]:
    """For 0, 1, ... bits: where the bytes of the group begin, and its number of rows."""
    rows = np.bincount(steps_of(spec, arrays), minlength=STEPS)
    sizes = rows * np.arange(STEPS) * -(-spec["cols"] // 8)
    return list(zip((np.cumsum(sizes) - sizes).tolist(), rows.tolist(), strict=True))


def by_planes(spec: dict[str, Any], arrays: Arrays) -> Array:
    """The array `codes` in the order of the file, from that of docs/format.md."""
    flat = arrays["codes"][:, 0]
    blocks = [flat[places].transpose(1, 0, 2).reshape(-1) for places in _places(spec, arrays)]
    return np.concatenate([*blocks, flat[:0]])[:, None]


def by_rows(spec: dict[str, Any], stored: Arrays) -> Array:
    """The array `codes` of docs/format.md, from that of the file."""
    codes = np.empty_like(stored["codes"][:, 0])
    first = 0
    for places in _places(spec, stored):
        rows, bits, length = places.shape
        block = stored["codes"][first : first + places.size, 0].reshape(bits, rows, length)
        codes[places] = block.transpose(1, 0, 2)
        first += places.size
    return codes[:, None]


def equal_bits(spec: dict[str, Any]) -> Array:
    """The array `bits` of rows that all have the same: a graph that decodes only whole matrices does not need it."""
    bits = spec["code_bytes"] // max(1, spec["rows"] * -(-spec["cols"] // 8))
    halves = np.full(spec["rows"] + spec["rows"] % 2, bits, np.uint8)
    halves[spec["rows"] :] = 0
    return np.asarray(halves[::2, None] | halves[1::2, None] << 4)


def _places(spec: dict[str, Any], arrays: Arrays) -> list[Array]:
    """For each group the places of its bytes in the format's order: row x plane x byte."""
    steps, length = steps_of(spec, arrays), -(-spec["cols"] // 8)
    starts = np.cumsum(steps * length) - steps * length
    return [
        starts[steps == bits][:, None, None] + np.arange(bits)[:, None] * length + np.arange(length)
        for bits in range(1, STEPS)
        if (steps == bits).any()
    ]
