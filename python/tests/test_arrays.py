# SPDX-License-Identifier: Apache-2.0
"""One rule for the arrays of all solvers (loewner.typing), and arrays that outlive their owners."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
import scipy.sparse
import torch
from numpy.typing import NDArray

ROWS, COLS = 60, 6
Solver = Callable[[Any], Any]


def whole_numbers() -> NDArray[np.float64]:
    """Entries that every type holds, a third of them zero."""
    random = np.random.default_rng(1)
    a = random.integers(-9, 10, (ROWS, COLS)).astype(np.float64)
    a[random.random(a.shape) < 1 / 3] = 0
    return a


PLAN = loewner.regression.plan_labels(whole_numbers(), 20)


# Every public function that takes a matrix, by the kind of its argument.
DENSE: dict[str, Solver] = {
    "linalg.truncated_svd": lambda a: loewner.linalg.truncated_svd(a, 2).vt,
    "linalg.project_rows": lambda a: loewner.linalg.project_rows(a, np.eye(2, COLS)),
    "norms.approximation_errors": lambda a: loewner.norms.approximation_errors(a, a).squared_norm,
    "norms.certify_weights": lambda a: loewner.norms.certify_weights(a, np.ones(ROWS)).q,
    "norms.enclosing_ellipsoid": lambda a: loewner.norms.enclosing_ellipsoid(a).weights,
    "norms.lewis_weights": lambda a: loewner.norms.lewis_weights(a).weights,
    "norms.loewner_ellipsoid": lambda a: loewner.norms.loewner_ellipsoid(a).factor,
    "lowrank.distances_to_subspace": lambda a: loewner.lowrank.distances_to_subspace(a, np.eye(2, COLS)),
    "lowrank.entrywise_low_rank": lambda a: loewner.lowrank.entrywise_low_rank(a, 2, max_iterations=3).left,
    "lowrank.lp_factorization": lambda a: loewner.lowrank.lp_factorization(a).scales,
    "lowrank.lp_low_rank": lambda a: loewner.lowrank.lp_low_rank(a, 2).left,
    "lowrank.lp_row_projection": lambda a: loewner.lowrank.lp_row_projection(a, np.eye(2, COLS)).left,
    "lowrank.robust_subspace": lambda a: loewner.lowrank.robust_subspace(a, 2, loewner.norms.Loss.huber(1)).vt,
    "regression.shrunk_regression": lambda a: loewner.regression.shrunk_regression(a, np.ones(ROWS), np.eye(COLS)).x,
    "cluster.projective_clustering": lambda a: loewner.cluster.projective_clustering(a, 2, 1).cluster_of_row,
    "attention.select_heavy_keys": lambda a: loewner.attention.select_heavy_keys(a, max_keys=3).scores,
    "attention.attend_selected": lambda a: loewner.attention.attend_selected(a, a, a, [0, 1]).output,
}
DENSE_OR_SPARSE: dict[str, Solver] = {
    "sketch.leverage_scores": lambda a: loewner.sketch.leverage_scores(a).scores,
    "sketch.least_squares": lambda a: loewner.sketch.least_squares(a, np.ones(ROWS)).x,
    "sketch.estimate_residuals": lambda a: loewner.sketch.estimate_residuals(a, 2).residual,
    "sketch.probe_residual": lambda a: loewner.sketch.probe_residual(a, np.ones((ROWS, 1)), np.ones((COLS, 1))).norm,
    "regression.lp_regression": lambda a: loewner.regression.lp_regression(a, np.arange(ROWS)).x,
    "regression.huber_regression": lambda a: loewner.regression.huber_regression(a, np.arange(ROWS), 1).x,
    "regression.plan_labels": lambda a: loewner.regression.plan_labels(a, 20).rows,
    "regression.fit_plan": lambda a: loewner.regression.fit_plan(a, PLAN, np.arange(20)).regression.x,
    "regression.active_lp_regression": lambda a: loewner.regression.active_lp_regression(a, np.sqrt, 20).x,
    "regression.loss_sensitivities": lambda a: loewner.regression.loss_sensitivities(a, 2),
    "cluster.latent_simplex": lambda a: loewner.cluster.latent_simplex(a, 2).vertices,
    "cluster.convex_code": lambda a: loewner.cluster.convex_code(np.eye(2, COLS), a).weights,
}
OPERATORS: dict[str, Solver] = {
    "linalg.block_krylov": lambda a: loewner.linalg.block_krylov(a, 2).singular_values,
    "linalg.schatten_low_rank": lambda a: loewner.linalg.schatten_low_rank(a, 2).singular_values,
    "sketch.sketched_svd": lambda a: loewner.sketch.sketched_svd(a, 2).singular_values,
}
SOLVERS = DENSE | DENSE_OR_SPARSE | OPERATORS
PRODUCTS = {"linalg.project_rows", "norms.approximation_errors", "lowrank.distances_to_subspace"}
WITHOUT_A_MATRIX = {"linalg.schatten_plan", "regression.label_budget"}


def memory_map(a: NDArray[Any], folder: Path) -> NDArray[Any]:
    np.save(folder / "a.npy", a)
    mapped: NDArray[Any] = np.load(folder / "a.npy", mmap_mode="r")
    return mapped


def read_only(a: NDArray[Any]) -> NDArray[Any]:
    a.setflags(write=False)
    return a


FORMS: dict[str, Callable[[NDArray[np.float64], Path], Any]] = {
    "float32": lambda a, _: a.astype(np.float32),
    "float16": lambda a, _: a.astype(np.float16),
    "int8": lambda a, _: a.astype(np.int8),
    "big endian": lambda a, _: a.astype(">f4"),
    "Fortran order": lambda a, _: np.asfortranarray(a),
    "rows further apart": lambda a, _: np.repeat(a, 2, axis=0)[::2],
    "columns further apart": lambda a, _: np.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a, _: a[::-1].copy()[::-1],
    "read-only": lambda a, _: read_only(a.copy()),
    "read-only in Fortran order": lambda a, _: read_only(np.asfortranarray(a)),
    "memory map": memory_map,
    "nested lists": lambda a, _: a.tolist(),
    "torch": lambda a, _: torch.from_numpy(a),
}
SPARSE: dict[str, Callable[[Any], Any]] = {
    "csr": scipy.sparse.csr_array,
    "csc": scipy.sparse.csc_matrix,
    "coo of integers": lambda a: scipy.sparse.coo_array(a.astype(np.int32)),
    "csr, float32": lambda a: scipy.sparse.csr_matrix(a.astype(np.float32)),
}


def close(found: Any, expected: Any) -> bool:
    return np.allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_every_public_function_with_a_matrix_is_here() -> None:
    functions = set()
    for name in ("linalg", "sketch", "norms", "lowrank", "regression", "cluster", "attention"):
        module = getattr(loewner, name)
        functions |= {f"{name}.{public}" for public in module.__all__ if public[0].islower()}
    assert set(SOLVERS) == functions - WITHOUT_A_MATRIX


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_takes_every_form_of_a_dense_matrix(name: str, form: str, tmp_path: Path) -> None:
    a = whole_numbers()
    assert close(SOLVERS[name](FORMS[form](a, tmp_path)), SOLVERS[name](a))


@pytest.mark.parametrize("form", SPARSE)
@pytest.mark.parametrize("name", DENSE_OR_SPARSE | OPERATORS)
def test_solvers_of_sparse_rows_take_every_sparse_format(name: str, form: str) -> None:
    a = whole_numbers()
    found = SOLVERS[name](SPARSE[form](a))
    if name.endswith(("probe_residual", "plan_labels", "active_lp_regression")):
        assert np.shape(found) == np.shape(SOLVERS[name](a))
    else:
        assert close(found, SOLVERS[name](a))


@pytest.mark.parametrize("name", DENSE)
def test_other_solvers_refuse_sparse_matrices_and_name_the_remedy(name: str) -> None:
    a = scipy.sparse.csr_array(whole_numbers())
    with pytest.raises(TypeError, match=r"must be a dense array, got csr_array of float64; its method toarray\(\)"):
        DENSE[name](a)


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        (np.ones((ROWS, COLS), np.complex64), TypeError, "must hold real numbers, got ndarray of complex64"),
        (np.full((ROWS, COLS), "a"), TypeError, "must hold real numbers, got ndarray of <U1"),
        (object(), TypeError, "must hold real numbers, got object"),
        (np.ones(ROWS), ValueError, r"must be a matrix \(two dimensions\), got an array of shape \(60,\)"),
        (np.ones((2, 3, 4)), ValueError, r"must be a matrix .* got an array of shape \(2, 3, 4\)"),
    ],
)
@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_refuses_other_arguments_in_the_same_words(name: str, bad: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        SOLVERS[name](bad)


@pytest.mark.parametrize("name", sorted(set(SOLVERS) - PRODUCTS))
def test_every_solver_refuses_entries_that_are_not_finite(name: str) -> None:
    a = whole_numbers()
    a[:, 3] = np.nan
    with pytest.raises(ValueError, match=r"column 3|not finite|non-finite"):
        SOLVERS[name](a)


def test_vectors_follow_the_same_rule() -> None:
    a = whole_numbers()
    expected = loewner.linalg.truncated_svd(a, 2, row_weights=np.arange(ROWS, dtype=np.float64)).vt
    for weights in (range(ROWS), np.arange(ROWS), np.arange(2 * ROWS, dtype=np.float32)[::2] / 2):
        given: Any = weights
        assert np.array_equal(loewner.linalg.truncated_svd(a, 2, row_weights=given).vt, expected)
    with pytest.raises(ValueError, match=r"row_weights must be a vector .* got an array of shape \(60, 1\)"):
        loewner.linalg.truncated_svd(a, 2, row_weights=np.ones((ROWS, 1)))
    with pytest.raises(TypeError, match="indices must hold integers, got ndarray of float64"):
        loewner.attention.attend_selected(a, a, a, np.zeros(2))


ARRAY_FORMS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "int8": lambda a: a.astype(np.int8),
    "uint64": lambda a: a.astype(np.uint64),
    "big endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "entries further apart": lambda a: np.repeat(a, 2)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "read-only": lambda a: read_only(a.copy()),
    "lists": lambda a: a.tolist(),
    "torch": torch.from_numpy,
}


@pytest.mark.parametrize("form", ARRAY_FORMS)
def test_the_arrays_of_sparse_rows_follow_the_same_rule(form: str) -> None:
    a = abs(whole_numbers())[:20]  # offsets of at most 120, which int8 holds
    expected = scipy.sparse.csr_array(a)
    arrays = (ARRAY_FORMS[form](each) for each in (expected.indptr, expected.indices, expected.data))
    sparse = loewner.linalg.SparseRows(COLS, *arrays)
    gc.collect()  # the result holds its arrays
    assert np.array_equal(loewner.linalg.block_krylov(sparse, 2).vt, loewner.linalg.block_krylov(expected, 2).vt)


@pytest.mark.parametrize(
    ("replaced", "kind", "message"),
    [
        ({"row_offsets": [0.0, 1.0]}, TypeError, "row_offsets must hold integers, got list"),
        ({"columns": np.zeros(1)}, TypeError, "columns must hold integers, got ndarray of float64"),
        ({"values": np.ones(1, np.complex64)}, TypeError, "values must hold real numbers, got ndarray of complex64"),
        ({"values": np.ones((1, 1))}, ValueError, r"values must be a vector .* got an array of shape \(1, 1\)"),
        ({"values": scipy.sparse.csr_array([[1.0]])}, TypeError, "values must be a dense array, got csr_array"),
    ],
)
def test_sparse_rows_refuse_other_arrays_in_the_same_words(replaced: dict[str, Any], kind: Any, message: str) -> None:
    arrays: dict[str, Any] = {"row_offsets": [0, 1], "columns": [0], "values": [1.0]}
    assert loewner.linalg.SparseRows(1, **arrays).rows == 1
    with pytest.raises(kind, match=message):
        loewner.linalg.SparseRows(1, **(arrays | replaced))


def traced_peak(work: Callable[[], Any]) -> int:
    """Most bytes that Python and NumPy allocate at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("form", "is_copied"), [("float32", False), ("every second row", False), ("Fortran", True)])
def test_only_an_array_that_does_not_fit_is_copied(form: str, is_copied: bool) -> None:
    a = np.zeros((5000, COLS), np.float32)
    given = {
        "float32": a,
        "every second row": np.zeros((10000, COLS), np.float32)[::2],
        "Fortran": np.asfortranarray(a),
    }
    peak = traced_peak(lambda: loewner.linalg.truncated_svd(given[form], 2))
    assert (peak >= a.nbytes) == is_copied


# ---- results ----


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
    low_rank = loewner.lowrank.lp_low_rank(a, 4, norm_exponent=1.5, row_projection="lp")
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
