# SPDX-License-Identifier: Apache-2.0
"""Squared error and time of three subspaces on the table of all-MiniLM-L6-v2, against a straightforward descent.

The descent: random balanced partitions, then truncated SVDs and nearest subspaces in turn. Seconds are also given as a
multiple of one full SVD by numpy; for the time also a made-up table twice as wide. Some two minutes on an idle machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import loewner
import numpy as np
from results_page import experiment_parser, markdown_table, publish
from tables import minilm_table, widened

CLUSTERS, STEPS = 3, 10
DIMENSIONS = {384: 266, 768: 530}  # of each subspace, by the width of the table
DEFAULT_RESTARTS, RESTARTS = 3, 10
Result = TypeVar("Result")
HEADER = ["table", "method", "restarts", "squared error", "of k=1", "seconds", "of one SVD"]


def straightforward(a: np.ndarray, dimension: int, seed: int) -> float:
    """The least squared error of STEPS rounds from one random balanced partition."""
    labels = np.random.default_rng(seed).permutation(len(a)) % CLUSTERS
    best = np.inf
    for _ in range(STEPS):
        distances = []
        for cluster in range(CLUSTERS):
            rows = a[labels == cluster]
            _, vectors = np.linalg.eigh((rows.T @ rows).astype(np.float64))
            outside = a @ vectors[:, : a.shape[1] - dimension].astype(np.float32)
            distances.append(np.einsum("ij,ij->i", outside, outside, dtype=np.float64))
        labels = np.argmin(distances, axis=0)
        best = min(best, float(np.min(distances, axis=0).sum()))
    return best


def table_rows(kind: str, a: np.ndarray) -> list[list[object]]:
    dimension = DIMENSIONS[a.shape[1]]
    svd_seconds = seconds(lambda: np.linalg.svd(a, full_matrices=False))[0]
    nested = 0.0
    rows: list[list[object]] = []

    def add(method: str, restarts: int, taken: float, error: float) -> None:
        shown = [f"{error:.1f}", f"{error / nested:.4f}", f"{taken:.1f}", f"{taken / svd_seconds:.1f}"]
        rows.append([kind, method, restarts, *shown])

    for restarts in (DEFAULT_RESTARTS, RESTARTS):
        taken, found = seconds(
            partial(loewner.cluster.projective_clustering, a, CLUSTERS, dimension, num_restarts=restarts)
        )
        nested = found.report.initial_objective
        add("projective_clustering", restarts, taken, found.report.final_objective)
    taken, error = seconds(lambda: min(straightforward(a, dimension, seed) for seed in range(RESTARTS)))
    add("straightforward", RESTARTS, taken, error)
    return rows


def seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    table = minilm_table()
    rows = table_rows("MiniLM, 30522 x 384", table) + table_rows("made-up, 30522 x 768", widened(table, 768))
    publish("clustering", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
