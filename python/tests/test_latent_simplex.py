# SPDX-License-Identifier: Apache-2.0
"""Latent simplex and convex codes from NumPy, SciPy and scikit-learn."""

from __future__ import annotations

from typing import Any

import loewner
import numpy as np
import pytest
import scipy.sparse
from loewner.sklearn import LatentSimplex
from scipy.optimize import linear_sum_assignment, nnls
from sklearn.utils.estimator_checks import parametrize_with_checks


def simplex_rows(n: int = 1500, d: int = 30, k: int = 4, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    vertices = random.standard_normal((k, d))
    weights = random.dirichlet(np.full(k, 0.4), n)
    weights[: n // 5] = np.eye(k)[np.arange(n // 5) % k]
    return vertices, weights @ vertices + noise * random.standard_normal((n, d))


def matched_error(vertices: np.ndarray, found: np.ndarray) -> float:
    distances = np.linalg.norm(vertices[:, None] - found[None], axis=2)
    rows, columns = linear_sum_assignment(distances)
    return float(distances[rows, columns].max() / np.linalg.norm(vertices, axis=1).mean())


@pytest.mark.parametrize("form", ["float64", "float32", "sparse"])
def test_vertices_are_found_in_every_form_of_rows(form: str) -> None:
    vertices, rows = simplex_rows()
    if form == "sparse":
        given: Any = scipy.sparse.csr_matrix(rows)
    else:
        given = rows.astype(form)
    found = loewner.cluster.latent_simplex(given, 4, share=0.03)
    assert matched_error(vertices, found.vertices) < 0.03
    assert [len(rows_of_one) for rows_of_one in found.members] == [45] * 4


def test_codes_are_those_of_constrained_least_squares() -> None:
    random = np.random.default_rng(1)
    vertices, rows = random.standard_normal((6, 12)), random.standard_normal((40, 12))
    codes = loewner.cluster.convex_code(vertices, rows, gap=1e-12)
    weights = scipy.sparse.csr_matrix((codes.weights, codes.columns, codes.row_offsets), (40, 6)).toarray()
    heavy = 1e5  # the sum to 1 as a heavy equation of non-negative least squares
    for row, found in zip(rows, weights, strict=True):
        expected, _ = nnls(np.vstack([vertices.T, np.full(6, heavy)]), np.append(row, heavy))
        np.testing.assert_allclose(found, expected, atol=1e-5)


@parametrize_with_checks([LatentSimplex(), LatentSimplex(sparsity=2)])  # type: ignore[untyped-decorator]
def test_the_estimator_keeps_to_scikit_learns_rules(estimator: LatentSimplex, check: Any) -> None:
    check(estimator)


def test_the_estimator_is_fit_and_transforms() -> None:
    vertices, rows = simplex_rows()
    model = LatentSimplex(4, share=0.03, sparsity=3)
    weights = model.fit_transform(rows)
    assert matched_error(vertices, model.components_) < 0.03
    np.testing.assert_allclose(weights.sum(1), 1)
    assert (np.count_nonzero(weights, axis=1) <= 3).all()
    np.testing.assert_allclose(model.transform(rows), weights)
    rest = np.linalg.norm(rows - model.inverse_transform(weights))
    assert model.reconstruction_err_ == pytest.approx(rest)
    sparse = LatentSimplex(4, share=0.03).fit(scipy.sparse.csr_matrix(rows))
    np.testing.assert_allclose(sparse.components_, model.components_)


def test_rows_of_fewer_dimensions_give_fewer_components() -> None:
    rows = np.repeat(np.eye(3, 8), 40, axis=0)
    model = LatentSimplex(6).fit(rows)
    assert model.n_components_ == 3
    assert model.transform(rows).shape == (120, 3)
    with pytest.raises(ValueError, match="k must be in"):
        LatentSimplex(9).fit(rows)
    with pytest.raises(ValueError, match="aggregate must be"):
        LatentSimplex(2, aggregate="mode").fit(rows)  # type: ignore[arg-type]
