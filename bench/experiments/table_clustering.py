# SPDX-License-Identifier: Apache-2.0
"""Squared error and time of three subspaces on the table of all-MiniLM-L6-v2, compared with a plain alternation.

The plain alternation starts from random balanced partitions and alternates between truncated SVDs and nearest
subspaces. Seconds are also given as a multiple of one full SVD by numpy. A synthetic table twice as wide is timed as
well. About two minutes on an idle machine.
"""

from __future__ import annotations

from functools import partial

import loewner
import numpy as np
from matrices import minilm_table, widened
from results_page import experiment_parser, markdown_table, publish
from timing import timed

CLUSTERS, STEPS = 3, 10
DIMENSIONS = {384: 266, 768: 530}  # of each subspace, by the width of the table
DEFAULT_RESTARTS, RESTARTS = 3, 10
HEADER = ["table", "method", "restarts", "squared error", "of k=1", "seconds", "of one SVD"]


def plain_alternation(a: np.ndarray, dimension: int, seed: int) -> float:
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
    svd_seconds = timed(lambda: np.linalg.svd(a, full_matrices=False)).seconds
    single_error = 0.0  # of one subspace for all rows
    rows: list[list[object]] = []

    def add(method: str, restarts: int, seconds: float, error: float) -> None:
        shown = [f"{error:.1f}", f"{error / single_error:.4f}", f"{seconds:.1f}", f"{seconds / svd_seconds:.1f}"]
        rows.append([kind, method, restarts, *shown])

    for restarts in (DEFAULT_RESTARTS, RESTARTS):
        fit = timed(partial(loewner.cluster.projective_clustering, a, CLUSTERS, dimension, num_restarts=restarts))
        single_error = fit.result.report.initial_objective
        add("projective_clustering", restarts, fit.seconds, fit.result.report.final_objective)
    plain = timed(lambda: min(plain_alternation(a, dimension, seed) for seed in range(RESTARTS)))
    add("straightforward", RESTARTS, plain.seconds, plain.result)
    return rows


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    table = minilm_table()
    rows = table_rows("MiniLM, 30522 x 384", table) + table_rows("made-up, 30522 x 768", widened(table, 768))
    publish("clustering", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
