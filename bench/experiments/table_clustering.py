# SPDX-License-Identifier: Apache-2.0
"""Squared error and time of three subspaces on the table of all-MiniLM-L6-v2, against a straightforward descent.

The descent: random balanced partitions, then truncated SVDs and nearest subspaces in turn. Seconds are also given as a
multiple of one full SVD by numpy. Some ten minutes, nearly all of it the straightforward descent.
"""

from __future__ import annotations

import argparse
import time

import loewner
import numpy as np
from results_page import markdown_table, publish
from tables import minilm_table

CLUSTERS, DIMENSION, STEPS = 3, 266, 10
DEFAULT_RESTARTS, RESTARTS = 3, 10
HEADER = ["method", "restarts", "squared error", "of k=1", "seconds", "of one SVD"]


def straightforward(a: np.ndarray, seed: int) -> float:
    """The least squared error of STEPS rounds from one random balanced partition."""
    labels = np.random.default_rng(seed).permutation(len(a)) % CLUSTERS
    best = np.inf
    for _ in range(STEPS):
        distances = []
        for cluster in range(CLUSTERS):
            rows = a[labels == cluster]
            _, vectors = np.linalg.eigh((rows.T @ rows).astype(np.float64))
            outside = a @ vectors[:, : a.shape[1] - DIMENSION].astype(np.float32)
            distances.append(np.einsum("ij,ij->i", outside, outside, dtype=np.float64))
        labels = np.argmin(distances, axis=0)
        best = min(best, float(np.min(distances, axis=0).sum()))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update-docs", action="store_true", help="write the table into docs/results.md")
    arguments = parser.parse_args()
    a = minilm_table()
    start = time.perf_counter()
    np.linalg.svd(a, full_matrices=False)
    svd_seconds = time.perf_counter() - start
    found, nested = [], 0.0
    for restarts in (DEFAULT_RESTARTS, RESTARTS):
        start = time.perf_counter()
        report = loewner.projective_clustering(a, CLUSTERS, DIMENSION, num_restarts=restarts).report
        found.append(("projective_clustering", restarts, report.final_objective, time.perf_counter() - start))
        nested = report.initial_objective
    start = time.perf_counter()
    error = min(straightforward(a, seed) for seed in range(RESTARTS))
    found.append(("straightforward", RESTARTS, error, time.perf_counter() - start))
    rows = [
        [name, restarts, f"{error:.1f}", f"{error / nested:.4f}", f"{seconds:.1f}", f"{seconds / svd_seconds:.1f}"]
        for name, restarts, error, seconds in found
    ]
    publish("clustering", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
