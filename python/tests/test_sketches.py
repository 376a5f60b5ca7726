# SPDX-License-Identifier: Apache-2.0
"""Sketches from Python: both precisions, shapes, and what numpy says."""

from __future__ import annotations

import gc
from typing import Any

import loewner
import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(params=[np.float32, np.float64])
def a(request: pytest.FixtureRequest) -> NDArray[Any]:
    return np.random.default_rng(1).standard_normal((400, 24)).astype(request.param)


def test_least_squares_are_those_of_numpy(a: NDArray[Any]) -> None:
    b = np.random.default_rng(2).standard_normal((400, 3))
    found = loewner.sketch.least_squares(a, b)
    expected, squares, rank, _ = np.linalg.lstsq(a.astype(np.float64), b)
    assert found.report.status == "converged" and found.rank == rank
    assert np.allclose(found.x, expected, rtol=0, atol=1e-13)
    assert np.allclose(found.residual_norms**2, squares, rtol=1e-12)
    assert found.backward_errors.max() <= 1e-14


def test_leverage_scores_add_up_to_the_rank(a: NDArray[Any]) -> None:
    found = loewner.sketch.leverage_scores(a)
    q = np.linalg.qr(a.astype(np.float64))[0]
    assert np.allclose(found.scores, (q**2).sum(1), rtol=1e-10)
    assert found.rank == 24
    sketched = loewner.sketch.leverage_scores(a, method="sketched")
    assert sketched.scores.shape == (400,)


def test_embeddings_keep_lengths(a: NDArray[Any]) -> None:
    s = loewner.sketch.SparseSignEmbedding(200, 400, nonzeros=8, seed=3)
    shaped = loewner.sketch.SparseSignEmbedding.for_distortion(400, 24, 0.5, slack=1)
    assert (shaped.rows, shaped.cols, shaped.nonzeros) == (192, 400, 8)
    sigma = np.linalg.svd(s.apply(np.linalg.qr(a)[0].astype(a.dtype)), compute_uv=False)
    assert sigma.min() > 0.5 and sigma.max() < 1.5
    assert np.array_equal(s.apply_right(np.ascontiguousarray(a.T)), s.apply(a).T)
    less = loewner.sketch.LessEmbedding(loewner.sketch.leverage_scores(a).scores, 200)
    assert less.apply(a).shape == (200, 24)


def test_residuals_of_a_small_matrix_are_exact_in_every_form(a: NDArray[Any]) -> None:
    sigma = np.linalg.svd(a.astype(np.float64), compute_uv=False)
    expected = np.sqrt(np.cumsum(sigma[::-1] ** 2)[::-1])[:6]
    curve = loewner.sketch.estimate_residuals(a, 5, sketch_size=400)
    assert np.allclose(curve.residual, expected, rtol=1e-12)
    first, second = (loewner.sketch.BilinearSketch(400, 24, 5, sketch_size=400) for _ in range(2))
    first.add_block(0, a[:100])
    second.add_block(100, a[100:])
    second.update(7, 3, 2.0)
    second.update(7, 3, -2.0)
    first.merge(second)
    assert np.allclose(first.curve(curve.frobenius_norm).residual, expected, rtol=1e-12)


def test_without_the_correction_estimates_are_lower(a: NDArray[Any]) -> None:
    corrected, raw = (
        loewner.sketch.estimate_residuals(a, 2, sketch_size=50, correct_bias=flag) for flag in (True, False)
    )
    of_a_gap = 1 / np.sqrt(1 - 2 / 50)
    assert of_a_gap < corrected.residual[2] / raw.residual[2] < 1.1 * of_a_gap


def test_a_factorization_is_probed(a: NDArray[Any]) -> None:
    u, v = np.linalg.qr(a.astype(np.float64))[0][:, :4].copy(), np.zeros((24, 4))
    probed = loewner.sketch.probe_residual(a, u, v)
    assert abs(probed.norm - np.linalg.norm(a)) < 5 * probed.standard_error


def test_residuals_of_vectors_are_close() -> None:
    x = np.ones(500)
    x[::100] = 30
    sketch = loewner.sketch.VectorResidualSketch(500, 5, norm_exponent=3)
    for i, value in enumerate(x):
        sketch.update(i, value)
    assert sketch.estimate(5) == pytest.approx(495 ** (1 / 3), rel=0.5)


def sparse_rows(a: NDArray[Any]) -> loewner.linalg.SparseRows:
    """The arrays of a.tocsr() in scipy."""
    rows, columns = np.nonzero(a)
    offsets = np.searchsorted(rows, np.arange(len(a) + 1)).astype(np.int64)
    return loewner.linalg.SparseRows(a.shape[1], offsets, columns.astype(np.int32), a[rows, columns])


def test_sparse_rows_give_what_dense_ones_do(a: NDArray[Any]) -> None:
    a[np.random.default_rng(4).random(a.shape) < 0.7] = 0
    sparse = sparse_rows(a)
    gc.collect()  # the arrays are held by the result
    s = loewner.sketch.SparseSignEmbedding(64, 400)
    assert (sparse.rows, sparse.cols) == a.shape
    assert np.array_equal(s.apply(sparse), s.apply(a))
    b = np.ones((400, 1))
    assert np.allclose(
        loewner.sketch.least_squares(sparse, b).x, loewner.sketch.least_squares(a, b).x, rtol=0, atol=1e-13
    )
    expected = loewner.sketch.estimate_residuals(a, 5).residual
    assert np.allclose(loewner.sketch.estimate_residuals(sparse, 5).residual, expected, rtol=1e-12)


def test_unsound_sparse_rows_are_refused() -> None:
    offsets, columns, values = np.array([0, 1]), np.array([3], np.int32), np.ones(1)
    with pytest.raises(ValueError, match=r"columns must be in \[0, 3\)"):
        loewner.linalg.SparseRows(3, offsets, columns, values)
    with pytest.raises(ValueError, match=r"columns must be in \[0, 2\^31\), got columns\[0\] = 4294967296"):
        loewner.linalg.SparseRows(4, offsets, np.array([2**32]), values)


def test_bad_shapes_are_refused(a: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="400 rows"):
        loewner.sketch.least_squares(a, np.zeros((399, 1)))
