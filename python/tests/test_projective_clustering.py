# SPDX-License-Identifier: Apache-2.0
"""Projective clustering from Python: the arrays, the objective that is reported, and the arguments."""

from __future__ import annotations

import loewner
import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture
def a() -> NDArray[np.float32]:
    """Rows of two planes in turn, and a little noise."""
    random = np.random.default_rng(3)
    planes = [np.linalg.qr(random.standard_normal((12, 2)))[0].T for _ in range(2)]
    rows = np.stack([random.standard_normal(2) @ planes[i % 2] for i in range(300)])
    return np.asarray(rows + 1e-3 * random.standard_normal(rows.shape), np.float32)


def squared_distances(a: NDArray[np.float32], bases: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    wide = a.astype(np.float64)
    return np.stack([((wide - wide @ v.T @ v) ** 2).sum(1) for v in bases], 1)


def test_planted_planes_are_found(a: NDArray[np.float32]) -> None:
    found = loewner.cluster.projective_clustering(a, 2, 2)
    labels = found.cluster_of_row
    assert labels.dtype == np.uint8 and labels.shape == (300,)
    assert [basis.shape for basis in found.bases] == [(2, 12), (2, 12)]
    assert (labels[::2] == labels[0]).mean() > 0.98 and (labels[1::2] == labels[1]).mean() > 0.98


@pytest.mark.parametrize(("exponent", "truncation"), [(1, np.inf), (2, np.inf), (2, 1e-4)])
def test_the_objective_is_that_of_the_result(a: NDArray[np.float32], exponent: float, truncation: float) -> None:
    weights = 1 / (1.0 + np.arange(300))
    found = loewner.cluster.projective_clustering(
        a, 3, 1, exponent=exponent, truncation=truncation, row_weights=weights
    )
    closest = squared_distances(a, found.bases)[np.arange(300), found.cluster_of_row]
    objective = (weights * np.minimum(closest ** (exponent / 2), truncation)).sum()
    assert found.report.final_objective == pytest.approx(objective, rel=1e-3)
    assert found.report.final_objective <= found.report.initial_objective


def test_the_seed_decides(a: NDArray[np.float32]) -> None:
    first, second = (loewner.cluster.projective_clustering(a, 3, 1, seed=4).cluster_of_row for _ in range(2))
    assert np.array_equal(first, second)


def test_bad_arguments_are_value_errors(a: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match=r"num_clusters must be in \[1, 256\], got 0"):
        loewner.cluster.projective_clustering(a, 0, 2)
    with pytest.raises(ValueError, match=r"dimension must be in \[0, 12\], got 13"):
        loewner.cluster.projective_clustering(a, 2, 13)
