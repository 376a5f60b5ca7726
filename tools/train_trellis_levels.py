# SPDX-License-Identifier: Apache-2.0
"""Trains the levels of the trellis codes (docs/trellis-levels.txt) by Lloyd's algorithm along best paths.

Each round encodes Gaussian vectors with the current levels by the Viterbi algorithm and moves every level to the mean
of its entries. The initial levels are those of optimal companding; at 7 bits they are within 1 % of the final
distortion. The levels are part of the format: this script documents their origin and measures their distortion on other
vectors; do not replace them. About half an hour for all widths on one core.
"""

from __future__ import annotations

import argparse

import numpy as np
import scipy.stats

STATES = 256
HIGH_PARITY, LOW_PARITY = 0o515, 0o362  # masks of windows of nine bits, newest bit lowest
VECTORS, ENTRIES = 1500, 384


def subsets() -> np.ndarray:
    """The subset of the levels for each window of nine bits."""
    return np.array([2 * ((w & HIGH_PARITY).bit_count() % 2) + (w & LOW_PARITY).bit_count() % 2 for w in range(512)])


SUBSETS = subsets()
STATE = np.arange(STATES)
YOUNG, OLD = STATE >> 1, (STATE >> 1) | (STATES >> 1)  # the two predecessors of each state


def best_path(costs: np.ndarray) -> np.ndarray:
    """The subset of every entry on the cheapest path of every row: rows x cols, from costs of cols x rows x 4."""
    cols, rows = costs.shape[:2]
    cost = np.full((rows, STATES), np.float32(1e30))
    cost[:, 0] = 0
    came_from_old = np.empty((cols, rows, STATES), bool)
    for t in range(cols):
        young = cost[:, YOUNG] + costs[t][:, SUBSETS[:STATES]]
        old = cost[:, OLD] + costs[t][:, SUBSETS[STATES:]]
        came_from_old[t] = old < young
        cost = np.minimum(young, old)
    state, row = cost.argmin(axis=1), np.arange(rows)
    chosen = np.empty((rows, cols), np.int64)
    for t in reversed(range(cols)):
        window = state | came_from_old[t, row, state] * STATES
        chosen[:, t] = SUBSETS[window]
        state = window >> 1
    return chosen


def best_levels(x: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The index of the level of every entry, on the best path of every row of x."""
    distance = (x.T[:, :, None, None] - levels.reshape(-1, 4)) ** 2  # cols x rows x levels / 4 x subsets
    nearest, subset = distance.argmin(axis=2), best_path(distance.min(axis=2))
    chosen = np.take_along_axis(nearest, subset.T[:, :, None], axis=2)[:, :, 0].T
    return np.asarray(4 * chosen + subset)


def trained(bits: int, rounds: int, x: np.ndarray) -> np.ndarray:
    count = 2 << bits
    levels = np.sqrt(3) * scipy.stats.norm.ppf((np.arange(count) + 0.5) / count)
    for _ in range(rounds):
        chosen = best_levels(x, levels.astype(np.float32))
        sums = np.bincount(chosen.ravel(), x.ravel(), count)
        uses = np.bincount(chosen.ravel(), minlength=count)
        levels = np.where(uses > 0, sums / np.maximum(uses, 1), levels)
        levels = (levels - levels[::-1]) / 2  # the density is symmetric
    return levels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, nargs="*", default=range(1, 9), help="widths in bits (default: 1 to 8)")
    parser.add_argument(
        "--rounds", type=int, help="rounds of Lloyd's algorithm (default: 40 + 15 per bit; 40 from 7 bits on)"
    )
    arguments = parser.parse_args()
    random = np.random.default_rng(2)
    x, others = (random.standard_normal((VECTORS, ENTRIES), np.float32) for _ in range(2))
    for bits in arguments.bits:
        levels = trained(bits, arguments.rounds or (40 + 15 * bits if bits <= 6 else 40), x)
        decoded = levels[best_levels(others, levels.astype(np.float32))]
        print(f"{bits}:", *(f"{level:.4f}" for level in levels[len(levels) // 2 :]))
        print(f"   distortion {np.mean((others - decoded) ** 2):.6f}", flush=True)


if __name__ == "__main__":
    main()
