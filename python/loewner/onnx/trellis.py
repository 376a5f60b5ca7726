# SPDX-License-Identifier: Apache-2.0
"""Tables of the trellis of docs/format.md.

All bits on which the level of an entry depends lie in two bytes of plane 0 and one byte of every other plane, so eight
entries are decoded by looking these bytes up.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from loewner import _core
from loewner.onnx.graph import Graph, Nodes

MOST_BITS = 8
_MASKS = (0o362, 0o515)  # of the lowest and of the second bit of a level

Table = np.ndarray[Any, Any]


@functools.cache
def parity_tables() -> tuple[Table, Table]:
    """What a byte of plane 0 and the byte before it give to the two lowest bits of eight levels: 256 x 8, uint8.

    The lowest bits are the exclusive or of both.
    """
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(int)
    now, before = np.zeros((256, 8), int), np.zeros((256, 8), int)
    for entry in range(8):
        for place, mask in enumerate(_MASKS):
            for age in range(9):
                if mask >> age & 1:
                    table = now if age <= entry else before
                    table[:, entry] ^= bits[:, (entry - age) % 8] << place
    return now.astype(np.uint8), before.astype(np.uint8)


@functools.cache
def spread_bits() -> Table:
    """The bits of each byte, lowest first: 256 x 8."""
    return np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")


def first_level(bits: int) -> int:
    """Where the levels of some bits begin in `all_levels`."""
    return 2 ** (bits + 1) - 4 if bits > 0 else 0


@functools.cache
def all_levels() -> Table:
    """The levels of 1, 2, ..., 8 bits, float32."""
    return np.array([level for bits in range(1, MOST_BITS + 1) for level in _core.trellis_levels(bits)], np.float32)


def table_parameters(graph: Graph) -> dict[str, str]:
    """The constants that `level_numbers` needs inside a function: parameters with their values."""
    now, before = parity_tables()
    tables = {"parities_now": now, "parities_before": before, "bits": spread_bits()}
    return {name: graph.constant(table, np.uint8) for name, table in tables.items()}


def level_numbers(nodes: Nodes, planes: list[str], axis: int, tables: dict[str, str]) -> str:
    """The numbers of the levels of rows of bytes.

    planes: for each plane uint8, with the bytes of a row along the last axis, which is `axis`. The result has one more
    axis, of eight entries; it is uint8 for at most seven planes and int32 otherwise.
    """
    shifted = nodes.op("Pad", planes[0], nodes.constant([1, -1]), "", nodes.constant([axis]))
    indices = [nodes.cast(plane, np.int32) for plane in planes]
    low = nodes.op(
        "BitwiseXor",
        nodes.op("Gather", tables["parities_now"], indices[0]),
        nodes.op("Gather", tables["parities_before"], nodes.cast(shifted, np.int32)),
    )
    is_wide = len(planes) > 7
    numbers = nodes.cast(low, np.int32) if is_wide else low
    for plane, index in enumerate(indices[1:], 1):
        bits = nodes.op("Gather", tables["bits"], index)
        factor = nodes.constant(2 << plane, np.int32 if is_wide else np.uint8)
        numbers = nodes.op("Add", numbers, nodes.op("Mul", nodes.cast(bits, np.int32) if is_wide else bits, factor))
    return numbers
