# SPDX-License-Identifier: Apache-2.0
"""Tables of the trellis of docs/format.md.

All bits on which the level of an entry depends lie in two bytes of plane 0 and one byte of every other plane, so eight
entries are decoded by looking these bytes up.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

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
    """The constants that `tables` needs inside a function."""
    now, before = parity_tables()
    values = {"parities_now": now, "parities_before": before, "bits_of_bytes": spread_bits()}
    return {name: graph.constant(table, np.uint8) for name, table in values.items()}


def tables(body: Nodes, at: dict[str, str], most: int) -> dict[str, str]:
    """The tables of `level_numbers` for at most so many bits, int32. Runtimes compute them when they load a file."""
    found = {name: body.cast(at[name], np.int32) for name in ("parities_now", "parities_before")}
    bits = body.cast(at["bits_of_bytes"], np.int32)
    for plane in range(1, most):
        found[f"plane_{plane}"] = body.op("Mul", bits, body.constant(2 << plane, np.int32))
    return found


def level_numbers(
    nodes: Nodes,
    planes: list[str],
    before: str,
    tables: dict[str, str],
    join: Literal["BitwiseOr", "Add"],
    lengths: Sequence[int] | None = None,
) -> str:
    """The numbers of the levels of rows of bytes, with one more axis for the entries of a byte.

    planes: for each plane its bytes. before: for each byte of plane 0 the one before it, or zero. All are int32. join:
    Add is faster than BitwiseOr and gives the same, but older runtimes add only wide integers. lengths: of each plane,
    decreasing, if a plane has bytes for the first ones of the plane before only.
    """
    higher, covered = "", 0
    for number in range(len(planes) - 1, 0, -1):
        found = nodes.op("Gather", tables[f"plane_{number}"], planes[number])
        length = lengths[number] if lengths else 0
        higher = nodes.op(join, found, _padded(nodes, higher, length - covered)) if higher else found
        covered = length
    now = nodes.op("Gather", tables["parities_now"], planes[0])
    numbers = nodes.op("BitwiseXor", now, nodes.op("Gather", tables["parities_before"], before))
    if not higher:
        return str(numbers)
    return str(nodes.op(join, numbers, _padded(nodes, higher, lengths[0] - covered if lengths else 0)))


def _padded(nodes: Nodes, numbers: str, count: int) -> str:
    """With so many bytes of zeros behind the bytes."""
    return str(nodes.op("Pad", numbers, nodes.constant([0, 0, 0, 0, count, 0]))) if count else numbers


def packing(bits: int) -> int:
    """How many consecutive levels of some bits are one 16-bit number: 4, 2 or 1."""
    return 4 if bits <= 3 else 2 if bits <= 7 else 1


def packed_parameters(graph: Graph, bits: int) -> dict[str, str]:
    """The constants that `packed_levels` needs inside a function, without the table of levels."""
    now, before = parity_tables()
    tables = {"parities_now": now, "parities_before": before}
    tables |= {f"plane_{plane}": spread_bits().astype(int) << (plane + 1) for plane in range(1, bits)}
    return {name: graph.constant(_packed(table, bits), np.uint16) for name, table in tables.items()}


def packed_levels(body: Nodes, planes: str, bits: int, row_bytes: int, at: dict[str, str]) -> str:
    """The levels of rows that all have the same bits, from their planes one after another: rows x 8 row_bytes.

    at["levels"]: the value of `level_table`. Nearly all of the memory of a file that is being loaded is here, so
    numbers are 16 bits wide and hold several entries.
    """
    shaped = body.cast(body.reshape(planes, [bits, -1, row_bytes]), np.int32)
    each = body.op("Split", shaped, outputs=bits, axis=0, num_outputs=bits) if bits > 1 else [shaped]
    before = body.op("Pad", each[0], body.constant([1, -1]), "", body.constant([2]))
    numbers = level_numbers(body, each, before, at, "BitwiseOr")
    return body.reshape(body.op("Gather", at["levels"], body.cast(numbers, np.int32)), [-1, 8 * row_bytes])


def level_table(graph: Graph, bits: int, values: Table) -> str:
    """The levels of a packed number, one row for each number; computed when a file loads."""
    table = graph.constant(values[:, None], values.dtype)
    count, width = len(values), 1
    while width < packing(bits):
        low = graph.op("Expand", graph.reshape(table, [1, count, width]), graph.constant([count, count, width]))
        high = graph.op("Expand", graph.reshape(table, [count, 1, width]), graph.constant([count, count, width]))
        table = graph.reshape(graph.op("Concat", low, high, axis=2), [count**2, 2 * width])
        count, width = count**2, 2 * width
    return table


def _packed(table: Table, bits: int) -> Table:
    """The bits of eight entries in the numbers that hold them: 256 x 8 / packing."""
    size = packing(bits)
    shifts = np.arange(size) * (bits + 1)
    return np.asarray((table.astype(int).reshape(256, 8 // size, size) << shifts).sum(2))
