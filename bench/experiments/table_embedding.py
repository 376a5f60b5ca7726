# SPDX-License-Identifier: Apache-2.0
"""Distortion of sparse sign embeddings S on subspaces of dimension 200, and how often they exceed the requested one.

First table: median over seeds of the smallest and the largest singular value of S U, where U is an orthonormal basis,
compared with 1 -+ sqrt(d/m), the limits for a dense Gaussian matrix. Bases: Gaussian; coherent: rows of the identity,
then zeros; spiky: Gaussian rows scaled by 1/i, orthonormalized; real: 200 columns of the token embedding of
all-MiniLM-L6-v2, orthonormalized. Second table: the number of seeds for which an embedding made for a distortion
exceeds it, with the p-value against a failure probability of 1 %. Controls that must fail: one entry per column (s =
1), and independent entries. Also writes docs/images/embedding.svg. About ten minutes on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import loewner
import numpy as np
from matplotlib import pyplot
from matrices import minilm_table
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish
from scipy.stats import binomtest

DIMENSION = 200
ROWS = 4000
RATIOS = (1.25, 1.5, 2.0, 4.0)
NONZEROS = (1, 2, 4, 8, 16)
DISTORTIONS = (0.75, 0.5, 0.25)
SHARE = 0.01  # failure probability that the shapes are made for
REFUTED = 1e-3  # p-value below which the failure probability is rejected

Range = tuple[float, float]


def bases() -> dict[str, np.ndarray]:
    gaussian = np.random.default_rng(1).standard_normal((ROWS, DIMENSION))
    spiky = gaussian / np.arange(1, ROWS + 1)[:, None]
    coherent = np.eye(ROWS, DIMENSION)
    real = minilm_table()[:, :DIMENSION].astype(np.float64)
    return {
        "Gaussian": np.linalg.qr(gaussian)[0],
        "coherent": coherent,
        "spiky": np.linalg.qr(spiky)[0],
        "real": np.linalg.qr(real)[0],
    }


def extremes(b: np.ndarray) -> Range:
    """The smallest and the largest singular value, from the Gram matrix; accurate to 1e-8 if tiny."""
    squares = np.linalg.eigvalsh(b.T @ b)
    return float(np.sqrt(max(squares[0], 0.0))), float(np.sqrt(squares[-1]))


def embedded(u: np.ndarray, rows: int, nonzeros: int, seed: int) -> Range:
    return extremes(loewner.sketch.SparseSignEmbedding(rows, len(u), nonzeros=nonzeros, seed=seed).apply(u))


def independent_on_coherent(rows: int, nonzeros: int, seed: int) -> Range:
    """Independent entries, +-1/sqrt(nonzeros) with probability nonzeros / rows, else 0."""
    random = np.random.default_rng(seed)
    is_there = random.random((rows, DIMENSION)) < nonzeros / rows
    return extremes(is_there * random.choice([-1.0, 1.0], is_there.shape) / np.sqrt(nonzeros))


def gaussian_edges(ratio: float) -> Range:
    return 1 - ratio**-0.5, 1 + ratio**-0.5


def text(edges: Range) -> str:
    return f"{edges[0]:.3f} / {edges[1]:.2f}"


# ---- singular values ----

Ranges = dict[tuple[str, float, int], np.ndarray]  # basis, m/d, s -> seeds x (smallest, largest)


def all_ranges(every_basis: dict[str, np.ndarray], seeds: int) -> Ranges:
    ranges = {}
    for name, u in every_basis.items():
        for ratio in RATIOS:
            for s in NONZEROS:
                rows = int(ratio * DIMENSION)
                ranges[name, ratio, s] = np.array([embedded(u, rows, s, seed) for seed in range(seeds)])
        print(name, file=sys.stderr, flush=True)
    return ranges


def range_rows(ranges: Ranges) -> list[list[str]]:
    names = dict.fromkeys(name for name, _, _ in ranges)
    return [
        [
            name,
            f"{ratio:g}",
            text(gaussian_edges(ratio)),
            *(text(tuple(np.median(ranges[name, ratio, s], axis=0))) for s in NONZEROS),
        ]
        for name in names
        for ratio in RATIOS
    ]


def plot(ranges: Ranges) -> None:
    names = list(dict.fromkeys(name for name, _, _ in ranges))
    figure, axes = pyplot.subplots(1, len(names), figsize=(14, 4), sharey=True)
    for axis, name in zip(axes, names, strict=True):
        for number, s in enumerate(NONZEROS):
            places = np.arange(len(RATIOS)) + 0.13 * (number - 2)
            for end in (0, 1):
                values = np.array([ranges[name, ratio, s][:, end] for ratio in RATIOS])
                middle = np.median(values, axis=1)
                spread = [middle - values.min(axis=1), values.max(axis=1) - middle]
                label = f"s = {s}" if end else None
                axis.errorbar(places, middle, spread, fmt="o", markersize=4, color=f"C{number}", label=label)
        for place, ratio in enumerate(RATIOS):
            for edge in gaussian_edges(ratio):
                axis.plot([place - 0.4, place + 0.4], [edge, edge], color="black", linewidth=1)
        axis.set(title=name, xlabel="m / d", xticks=range(len(RATIOS)), xticklabels=[f"{r:g}" for r in RATIOS])
        axis.grid(True, axis="y", alpha=0.3)
    axes[0].set(ylabel="smallest and largest singular value of S U", ylim=(-0.05, 2.2))
    axes[0].legend(fontsize=8, loc="center right")
    save_plot(figure, "embedding")


# ---- the guarantee of SparseSignEmbedding.for_distortion ----


def failures(draw: Callable[[int], Range], distortion: float, seeds: int) -> int:
    ranges = np.array([draw(seed) for seed in range(seeds)])
    return int((np.abs(ranges - 1).max(axis=1) > distortion).sum())


def claim_rows(every_basis: dict[str, np.ndarray], seeds: int) -> tuple[list[list[object]], bool]:
    """The rows of the table; and whether the guarantee holds for the embeddings and fails for the controls."""
    rows: list[list[object]] = []
    as_expected = True

    def add(distortion: float, m: int, kind: str, basis: str, draw: Callable[[int], Range], is_control: bool) -> None:
        nonlocal as_expected
        failed = failures(draw, distortion, seeds)
        p_value = binomtest(failed, seeds, SHARE, alternative="greater").pvalue
        as_expected &= (p_value < REFUTED) == is_control
        verdict = "broken" if p_value < REFUTED else "kept"
        rows.append([f"{distortion:g}", m, kind, basis, failed, f"{p_value:.1e}", verdict])
        print(*rows[-1], file=sys.stderr, flush=True)

    for distortion in DISTORTIONS:
        shaped = loewner.sketch.SparseSignEmbedding.for_distortion(ROWS, DIMENSION, distortion)
        m, s = shaped.rows, shaped.nonzeros
        for name, u in every_basis.items():
            add(distortion, m, f"s = {s}", name, partial(embedded, u, m, s), False)
        one_entry = partial(embedded, every_basis["coherent"], m, 1)
        add(distortion, m, "control, s = 1", "coherent", one_entry, True)
        independent = partial(independent_on_coherent, m, s)
        add(distortion, m, f"control, independent, s = {s}", "coherent", independent, True)
    return rows, as_expected


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds of the singular values (default 20)")
    parser.add_argument("--claim-seeds", type=int, default=300, help="number of seeds of the failures (default 300)")
    arguments = parser.parse_args()
    every_basis = bases()
    ranges = all_ranges(every_basis, arguments.seeds)
    header = ["basis", "m / d", "Gaussian edges", *(f"s = {s}" for s in NONZEROS)]
    publish("embedding", markdown_table(header, range_rows(ranges)), arguments.update_docs)
    if arguments.update_docs:
        plot(ranges)
    claims, as_expected = claim_rows(every_basis, arguments.claim_seeds)
    header = ["distortion", "m", "entries", "basis", f"failures of {arguments.claim_seeds}", "p of 1 %", "promise"]
    publish("embedding-claim", markdown_table(header, claims), arguments.update_docs)
    if not as_expected:
        raise SystemExit("SparseSignEmbedding.for_distortion violates its guarantee, or a control satisfies it")


if __name__ == "__main__":
    main()
