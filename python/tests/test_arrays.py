# SPDX-License-Identifier: Apache-2.0
"""Arrays cross the border between Python and C++ without copies and without conversions."""

from __future__ import annotations

import gc
from typing import Any

import loewner
import numpy as np
import pytest
import torch
from numpy.typing import NDArray


@pytest.fixture
def a() -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((200, 24)).astype(np.float32)


def test_singular_values_are_those_of_numpy(a: NDArray[np.float32]) -> None:
    found = loewner.linalg.truncated_svd(a, 5)
    expected = np.linalg.svd(a.astype(np.float64), compute_uv=False)
    # Gram route: absolute error of an eigenvalue n eps ||A||^2, so relative to sigma_1 at most n eps kappa.
    assert np.allclose(found.singular_values, expected, rtol=1e-10)
    assert found.vt.shape == (5, 24) and found.vt.dtype == np.float64
    more = loewner.linalg.truncated_svd(a, 5, vectors=9)
    assert np.array_equal(more.vt[:5], found.vt) and more.vt.shape == (9, 24)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.complex64])
def test_another_type_is_a_type_error_that_names_the_right_one(a: NDArray[np.float32], dtype: Any) -> None:
    with pytest.raises(TypeError, match="dtype=float32"):
        loewner.linalg.truncated_svd(a.astype(dtype), 5)


def test_row_weights_must_be_float64(a: NDArray[np.float32]) -> None:
    with pytest.raises(TypeError, match="dtype=float64"):
        loewner.linalg.truncated_svd(a, 5, row_weights=np.ones(200, np.float32))


def test_one_dimension_is_a_type_error(a: NDArray[np.float32]) -> None:
    with pytest.raises(TypeError):
        loewner.linalg.truncated_svd(a[0], 5)


def test_rows_further_apart_are_taken_as_they_are(a: NDArray[np.float32]) -> None:
    for view in (a[::3], a[:, 4:20], a[10:11]):
        found = loewner.linalg.truncated_svd(view, 1).singular_values
        assert np.array_equal(found, loewner.linalg.truncated_svd(view.copy(), 1).singular_values)


@pytest.mark.parametrize("view", [lambda a: a.T, lambda a: a[:, ::2], lambda a: a[::-1], np.asfortranarray])
def test_other_strides_would_need_a_copy_and_are_refused(a: NDArray[np.float32], view: Any) -> None:
    with pytest.raises(ValueError, match="row-major"):
        loewner.linalg.truncated_svd(view(a), 5)


def test_a_tensor_of_torch_is_taken_as_an_array(a: NDArray[np.float32]) -> None:
    tensor: Any = torch.from_numpy(a)
    found = loewner.linalg.truncated_svd(tensor, 5)
    assert np.array_equal(found.vt, loewner.linalg.truncated_svd(a, 5).vt)


def test_a_read_only_array_is_taken(a: NDArray[np.float32]) -> None:
    a.setflags(write=False)
    assert loewner.lowrank.lp_low_rank(a, 3).left.shape == (200, 3)


def test_an_attribute_outlives_its_result(a: NDArray[np.float32]) -> None:
    result = loewner.lowrank.lp_low_rank(a, 3)
    left, expected = result.left, result.left.copy()
    assert result.left.ctypes.data == left.ctypes.data  # no copy
    del result
    gc.collect()
    _ = [np.full((200, 3), 7, np.float32) for _ in range(50)]
    assert np.array_equal(left, expected)


def test_a_result_outlives_its_arguments(a: NDArray[np.float32]) -> None:
    vt = loewner.linalg.truncated_svd(a, 5).vt
    left = loewner.linalg.project_rows(a, vt)
    expected = a @ vt.T
    del a, vt
    gc.collect()
    assert np.allclose(left, expected, atol=1e-5)


def test_every_solver_answers_in_the_documented_shapes(a: NDArray[np.float32]) -> None:
    small = a[:60, :6].copy()
    assert loewner.norms.lewis_weights(a).q.shape == (24, 24)
    assert loewner.norms.certify_weights(a, np.ones(200)).certificate >= 1
    factorization = loewner.lowrank.lp_factorization(a, norm_exponent=1.5)
    assert factorization.vt.shape == (24, 24) and factorization.error_bound(3) > 0
    low_rank = loewner.lowrank.lp_low_rank(a, 4, norm_exponent=1.5, row_projection=loewner.lowrank.RowProjection.lp)
    assert low_rank.lower_bound <= low_rank.error <= low_rank.upper_bound * (1 + 1e-5)
    assert loewner.lowrank.lp_row_projection(a, low_rank.right).left.shape == (200, 4)
    subspace = loewner.lowrank.robust_subspace(a, 4, loewner.norms.Loss.huber(1.0))
    assert loewner.lowrank.distances_to_subspace(a, subspace.vt).shape == (200,)
    entrywise = loewner.lowrank.entrywise_low_rank(small, 2, max_iterations=3)
    assert {start.start for start in entrywise.starts} >= {entrywise.start}
    errors = loewner.norms.approximation_errors(small, entrywise.left @ entrywise.right, norm_exponent=1)
    assert errors.relative_lp_error == pytest.approx(
        entrywise.report.final_objective / errors.weighted_power_norm, rel=1e-4
    )
    assert loewner.norms.loewner_ellipsoid(small).factor.shape == (6, 6)
    assert loewner.norms.enclosing_ellipsoid(small).weights.sum() == pytest.approx(1)


def test_results_are_the_same_bits_for_any_number_of_threads(a: NDArray[np.float32]) -> None:
    before = loewner.num_threads()
    try:
        results = []
        for count in (1, 2, 8):
            loewner.set_num_threads(count)
            results.append(loewner.lowrank.lp_low_rank(a, 4).left.tobytes())
    finally:
        loewner.set_num_threads(before)
    assert results[0] == results[1] == results[2]
