# SPDX-License-Identifier: Apache-2.0
"""Trains the tables of entropy codes (docs/entropy-tables.txt) on Gaussian rows, and measures their bits and errors.

The entries of a row become weaker from left to right, like coordinates along principal directions, from a first table
that differs from set to set. Each round encodes all rows along the cheapest paths of error + price * bits, with the
bits of the current tables, and counts the symbols of each table. The tables are part of the format: this script
documents their origin; do not replace them. Some minutes on one core.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from train_trellis_levels import best_path

TABLES, SYMBOLS, TOTAL = 19, 16, 4096
PRICE_OF_BIT = 0.35  # in squared steps: the slope of error against bits at which steps and tables agree
ROWS, COLS, ROUNDS = 250, 384, 12
COLS_OF_TABLE = 32  # neighboring entries with one table
FIRST_TABLES = range(2, TABLES)
FIRST_MEASURED = 16  # a path has less choice in its first entries

Array = np.ndarray

# How many bits of a magnitude are stored as they are.
LOW_BITS = np.maximum(0, (np.arange(TABLES) - 11) // 4)


def spread_of(table: Array) -> Array:
    """Standard deviation of the entries, in steps."""
    return np.asarray(2 ** ((table - 3) / 4), np.float32)


def symbol_of(magnitude: Array, table: Array) -> Array:
    """The symbol of a magnitude without its low bits; 0 has a symbol of its own."""
    return np.minimum(-(-magnitude >> LOW_BITS[table]), SYMBOLS - 1)


def level_of(magnitude: Array, odd: int | Array) -> Array:
    """Level of a magnitude, in steps: 2 m, or 2 m - 1 and 0 for odd levels."""
    return np.maximum(2 * magnitude - odd, 0)


def bits_of(magnitude: Array, table: Array, odd: int | Array, frequencies: Array) -> Array:
    """Bits of magnitudes with their signs."""
    symbol, low = symbol_of(magnitude, table), LOW_BITS[table]
    escaped = np.maximum((magnitude - 1 >> low) - (SYMBOLS - 2), 0)
    beyond = np.where(symbol == SYMBOLS - 1, 4 + np.floor(np.log2(escaped + 1)), 0)
    return np.asarray(
        np.log2(TOTAL / frequencies[table, odd, symbol]) + beyond + (magnitude > 0) * (1 + low), np.float32
    )


def encode(x: Array, table: Array, frequencies: Array) -> tuple[Array, Array]:
    """Magnitudes of the entries of x on the cheapest paths, and whether their levels are odd. table: of each column."""
    size = np.abs(x)
    costs, choices = np.empty((4, *x.shape), np.float32), np.empty((4, *x.shape), np.int64)
    for subset in range(4):
        odd, parity = subset % 2, subset // 2
        below = ((size + odd) / 2).astype(np.int64)
        below -= (below - parity) % 2
        tried = np.maximum(np.stack([below, below + 2, np.full_like(below, parity)]), parity)
        cost = (size - level_of(tried, odd)) ** 2 + PRICE_OF_BIT * bits_of(tried, table, odd, frequencies)
        best = cost.argmin(axis=0)
        costs[subset] = np.take_along_axis(cost, best[None], 0)[0]
        choices[subset] = np.take_along_axis(tried, best[None], 0)[0]
    subsets = best_path(np.ascontiguousarray(costs.transpose(2, 1, 0)))
    return np.take_along_axis(choices, subsets[None], 0)[0], subsets % 2


def rounded(shares: Array) -> Array:
    """Whole frequencies >= 1 with the sum TOTAL."""
    frequencies = np.maximum(np.rint(shares / shares.sum() * TOTAL).astype(np.int64), 1)
    frequencies[frequencies.argmax()] += TOTAL - frequencies.sum()
    return frequencies


def initial() -> Array:
    """Frequencies by the density of the entries: tables x even or odd x symbols."""
    frequencies = np.empty((TABLES, 2, SYMBOLS), np.int64)
    for table in range(TABLES):
        least = np.maximum((np.arange(SYMBOLS) - 1 << LOW_BITS[table]) + 1, 0)  # magnitude of each symbol
        for odd in range(2):
            levels = level_of(least, odd)
            between = np.maximum(levels - np.where(levels > 1, 1, 0.5), 0)
            bounds = np.append(between, np.inf) / spread_of(np.array(table))
            frequencies[table, odd] = rounded(np.diff(scipy.stats.norm.cdf(bounds)))
    return frequencies


def sets_of_rows(random: np.random.Generator) -> list[tuple[Array, Array]]:
    """Rows of the entries that are stored, and the table of each column."""
    sets = []
    for first in FIRST_TABLES:
        table = first - np.arange(COLS) // COLS_OF_TABLE
        table = table[table >= 0]
        sets.append((spread_of(table) * random.standard_normal((ROWS, len(table)), np.float32), table))
    return sets


def counts_of(sets: list[tuple[Array, Array]], frequencies: Array) -> Array:
    counts = np.zeros((TABLES, 2, SYMBOLS))
    for x, table in sets:
        magnitudes, odd = encode(x, table, frequencies)
        np.add.at(counts, (np.broadcast_to(table, odd.shape), odd, symbol_of(magnitudes, table)), 1)
    return counts


def main() -> None:
    random = np.random.default_rng(3)
    sets = sets_of_rows(random)
    frequencies = initial()
    for _ in range(ROUNDS):
        counts = counts_of(sets, frequencies) + 1e-3 * initial()  # for symbols that these rows do not have
        frequencies = np.array([[rounded(shares) for shares in both] for both in counts])
    for table in range(TABLES):
        for odd in range(2):
            print(f"{table}:", *frequencies[table, odd])
    sums = np.zeros((3, TABLES))
    for x, table in sets_of_rows(random):
        magnitudes, odd = encode(x, table, frequencies)
        bits = bits_of(magnitudes, table, odd, frequencies)
        errors = (np.abs(x) - level_of(magnitudes, odd)) ** 2
        where = np.broadcast_to(table[FIRST_MEASURED:], odd[:, FIRST_MEASURED:].shape)
        for total, values in zip(sums, (np.ones(odd.shape), bits, errors), strict=True):
            np.add.at(total, where, values[:, FIRST_MEASURED:])
    print("bits ", *(f"{value:.4f}" for value in sums[1] / sums[0]))
    print("error", *(f"{value:.4f}" for value in sums[2] / sums[0]))


if __name__ == "__main__":
    main()
