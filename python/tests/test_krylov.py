# SPDX-License-Identifier: Apache-2.0
"""Low rank from products: every kind of matrix gives the SVD of numpy, and errors name the fault."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import loewner
import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

RANK = 5


class Products:
    """The least that an operator must have."""

    def __init__(self, a: NDArray[Any]) -> None:
        self.a = a.astype(np.float64)
        self.shape = a.shape
        self.asked: list[tuple[int, ...]] = []

    def matmat(self, x: NDArray[np.float64]) -> Any:
        self.asked.append(x.shape)
        return self.a @ x

    def rmatmat(self, x: NDArray[np.float64]) -> Any:
        self.asked.append(x.shape)
        return self.a.T @ x


@pytest.fixture
def a() -> NDArray[np.float64]:
    """Singular values that fall at first; entries that float16 holds, a third of them zero."""
    random = np.random.default_rng(1)
    left, right = (np.linalg.qr(random.standard_normal((n, 40)))[0] for n in (300, 60))
    a: NDArray[np.float64] = (16 * left * 0.8 ** np.arange(40)) @ right.T
    a[random.random(a.shape) < 1 / 3] = 0
    a[:] = a.astype(np.float16)
    return a


KINDS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "float64": lambda a: a,
    "rows further apart": lambda a: np.repeat(a, 2, axis=0).astype(np.float16)[::2],
    "csr, float32": lambda a: scipy.sparse.csr_array(a.astype(np.float32)),
    "csc": scipy.sparse.csc_matrix,
    "coo, wide indices": lambda a: scipy.sparse.coo_array(
        (a.ravel(), tuple(np.indices(a.shape, np.int64).reshape(2, -1))), a.shape
    ),
    "sparse integers": lambda a: scipy.sparse.csr_array(np.rint(64 * a).astype(np.int32)),
    "SparseRows": lambda a: loewner.linalg.SparseRows(
        a.shape[1],
        np.arange(0, a.size + 1, a.shape[1]),
        np.tile(np.arange(a.shape[1], dtype=np.int32), len(a)),
        a.ravel(),
    ),
    "LinearOperator": aslinearoperator,
    "LinearOperator of vectors": lambda a: LinearOperator(a.shape, matvec=lambda x: a @ x, rmatvec=lambda x: a.T @ x),
    "shape, matmat, rmatmat": Products,
}


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_matrix_gives_the_svd_of_numpy(a: NDArray[np.float64], kind: str, is_wide: bool) -> None:
    a = np.ascontiguousarray(a.T) if is_wide else a
    expected = np.rint(64 * a) if kind == "sparse integers" else a
    u, sigma, vt = np.linalg.svd(expected, full_matrices=False)
    found = loewner.linalg.block_krylov(KINDS[kind](a), RANK, eps=1e-8, vector_tolerance=1e-8)
    assert found.status == "converged" and found.numerical_rank == RANK
    assert np.allclose(found.singular_values, sigma[:RANK], rtol=1e-10)
    best = (u[:, :RANK] * sigma[:RANK]) @ vt[:RANK]
    assert np.allclose((found.u * found.singular_values) @ found.vt, best, rtol=0, atol=1e-6 * sigma[0])
    # From 16 probes where the norm is not at hand: then within 4 of their standard deviations, 1 / sqrt(8) at most.
    tolerance = 1e-6 if isinstance(KINDS[kind](a), np.ndarray) else 4 / 8**0.5
    assert found.residual_norm == pytest.approx(np.linalg.norm(sigma[RANK:]), rel=tolerance)


@pytest.mark.parametrize("p", [1.0, 2.0, np.inf])
def test_two_block_sizes_find_the_same(a: NDArray[np.float64], p: float) -> None:
    found = loewner.linalg.schatten_low_rank(a, RANK, norm_exponent=p, eps=0.05)
    assert np.allclose(found.singular_values, np.linalg.svd(a, compute_uv=False)[:RANK], rtol=1e-6)
    assert found.excess_estimate == 0.05


def test_products_are_those_of_the_plan_and_counted() -> None:
    operator = Products(np.diag(0.99 ** np.arange(900)))
    plan = loewner.linalg.schatten_plan(900, 3, eps=0.1)
    assert plan.products == plan.small_block * (2 * plan.many_steps + 1) + plan.large_block * (3 * plan.few_steps + 1)
    found = loewner.linalg.schatten_low_rank(operator, 3, eps=0.1)
    assert found.products == plan.products + 16 == sum(shape[1] for shape in operator.asked)


def test_options_reach_the_method(a: NDArray[np.float64]) -> None:
    assert loewner.linalg.block_krylov(a, RANK, block=3, steps=4).products == 3 * (2 * 4 + 1)
    limited = loewner.linalg.block_krylov(a, RANK, eps=1e-9, max_products=60)
    assert limited.status == "max_iterations" and limited.excess_estimate > 1e-9
    loose, tight = (loewner.linalg.block_krylov(a, RANK, eps=eps).products for eps in (0.5, 1e-6))
    assert loose < tight


@pytest.mark.parametrize("kind", KINDS)
def test_a_sketch_is_within_eps_of_the_best_matrix_and_says_so(kind: str) -> None:
    a = np.random.default_rng(4).standard_normal((4000, 60)) * (1 + np.arange(60)) ** -0.5
    found = loewner.sketch.sketched_svd(KINDS[kind](a), RANK, eps=0.05)
    best = np.sqrt((np.linalg.svd(a, compute_uv=False)[RANK:] ** 2).sum())
    excess = np.linalg.norm(a - a @ found.vt.T @ found.vt) / best - 1
    assert excess <= found.excess_estimate <= 0.05
    assert loewner.sketch.sketched_svd(KINDS[kind](a), RANK, eps=0.05, rows=100).excess_estimate <= 0.05
    known = loewner.sketch.sketched_svd(KINDS[kind](a), RANK, eps=0.05, steps=6)
    assert np.linalg.norm(a - a @ known.vt.T @ known.vt) / best - 1 <= 0.05
    assert known.excess_estimate == np.inf  # not estimated
    with pytest.raises(ValueError, match="rank must be in"):
        loewner.sketch.sketched_svd(KINDS[kind](a), 61)
    with pytest.raises(ValueError, match=r"steps.* must not be negative"):
        loewner.sketch.sketched_svd(KINDS[kind](a), RANK, steps=-1)


@pytest.mark.parametrize(
    "solve", [loewner.linalg.block_krylov, loewner.linalg.schatten_low_rank, loewner.sketch.sketched_svd]
)
@pytest.mark.parametrize("kind", ["float16", "float64", "csr, float32", "shape, matmat, rmatmat"])
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(solve: Any, kind: str) -> None:
    a = np.random.default_rng(3).standard_normal((9000, 60))
    matrix = KINDS[kind](a)
    before = loewner.num_threads()
    try:
        results = []
        for threads, seed in ((1, 7), (2, 7), (8, 7), (1, 8)):
            loewner.set_num_threads(threads)
            found = solve(matrix, RANK, seed=seed)
            results.append((found.u.tobytes(), found.singular_values.tobytes(), found.vt.tobytes(), found.products))
    finally:
        loewner.set_num_threads(before)
    assert results[0] == results[1] == results[2]
    assert results[0] != results[3]


def test_results_outlive_their_matrix_and_their_object(a: NDArray[np.float64]) -> None:
    u = loewner.linalg.block_krylov(scipy.sparse.csr_array(a), RANK).u
    expected = u.copy()
    gc.collect()
    _ = [np.full(u.shape, 7.0) for _ in range(50)]
    assert np.array_equal(u, expected)


# ---- faults of operators ----


class Answering(Products):
    """Applies `answer` to the right product."""

    def __init__(self, a: NDArray[Any], method: str, answer: Callable[[Any], Any]) -> None:
        super().__init__(a)
        self.method, self.answer = method, answer

    def matmat(self, x: NDArray[np.float64]) -> Any:
        return self.answer(super().matmat(x)) if self.method == "matmat" else super().matmat(x)

    def rmatmat(self, x: NDArray[np.float64]) -> Any:
        return self.answer(super().rmatmat(x)) if self.method == "rmatmat" else super().rmatmat(x)


METHODS = pytest.mark.parametrize("method", ["matmat", "rmatmat"])


@METHODS
def test_exceptions_of_an_operator_pass_unchanged(a: NDArray[np.float64], method: str) -> None:
    error = LookupError("no such row")

    def fail(_: Any) -> Any:
        raise error

    with pytest.raises(LookupError) as caught:
        loewner.linalg.block_krylov(Answering(a, method, fail), RANK)
    assert caught.value is error
    assert any(entry.name == "fail" for entry in caught.traceback)


@METHODS
@pytest.mark.parametrize("answer", [lambda y: y.T, lambda y: y[:-1], lambda y: y[:, 0], lambda y: None])
def test_products_of_another_shape_are_value_errors(a: NDArray[np.float64], method: str, answer: Any) -> None:
    kind = TypeError if answer(a) is None else ValueError
    with pytest.raises(kind, match=rf"^{method} .*must give .*got"):
        loewner.linalg.block_krylov(Answering(a, method, answer), RANK)


def test_products_of_other_real_numbers_are_converted_and_complex_ones_refused(a: NDArray[np.float64]) -> None:
    single = loewner.linalg.block_krylov(Answering(a, "matmat", lambda y: np.asfortranarray(y, np.float32)), RANK)
    assert np.allclose(single.singular_values, np.linalg.svd(a, compute_uv=False)[:RANK], rtol=1e-5)
    with pytest.raises(TypeError, match="matmat must give real numbers, got complex128"):
        loewner.linalg.block_krylov(Answering(a, "matmat", lambda y: y + 0j), RANK)


@METHODS
def test_the_row_of_a_product_that_is_not_finite_is_named(a: NDArray[np.float64], method: str) -> None:
    def spoilt(y: NDArray[np.float64]) -> NDArray[np.float64]:
        y[17, 0] = np.nan
        return y

    matrix = {"matmat": "the matrix", "rmatmat": "its transpose"}[method]
    with pytest.raises(ValueError, match=rf"^block_krylov: row 17 of a product with {matrix} is not finite$"):
        loewner.linalg.block_krylov(Answering(a, method, spoilt), RANK)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "csr, float32", "csc"])
@pytest.mark.parametrize("solve", [loewner.linalg.block_krylov, loewner.linalg.schatten_low_rank])
def test_the_entry_that_is_not_finite_is_named(a: NDArray[np.float64], kind: str, solve: Any) -> None:
    a[211, 13], a[250, 2] = np.inf, np.nan
    with pytest.raises(
        ValueError, match=rf"^{solve.__name__}: the matrix has a non-finite value at row 211, column 13$"
    ):
        solve(KINDS[kind](a), RANK)


def test_an_operator_may_keep_and_change_its_arguments(a: NDArray[np.float64]) -> None:
    kept: list[NDArray[np.float64]] = []

    class Spoiling(Products):
        def matmat(self, x: NDArray[np.float64]) -> Any:
            y = super().matmat(x)
            kept.append(x)
            x[:] = 0
            return y

    found, expected = loewner.linalg.block_krylov(Spoiling(a), RANK), loewner.linalg.block_krylov(Products(a), RANK)
    assert np.array_equal(found.vt, expected.vt)
    gc.collect()
    assert all(not x.any() for x in kept)


# ---- faults of callers ----


def test_a_rank_outside_the_sides_is_a_value_error(a: NDArray[np.float64]) -> None:
    for rank in (0, 61):
        with pytest.raises(ValueError, match=rf"rank must be in \[1, 60\].*got {rank}"):
            loewner.linalg.block_krylov(Products(a), rank)
        with pytest.raises(ValueError, match=rf"rank must be in \[1, 60\].*got {rank}"):
            loewner.linalg.schatten_low_rank(a, rank)


def test_half_an_operator_is_a_type_error_that_names_the_missing_part() -> None:
    class Half:
        shape = (3, 3)

        def matmat(self, x: Any) -> Any:
            return x

    operator: Any = Half()
    with pytest.raises(TypeError, match=r"^a must have shape, matmat and rmatmat, got Half without rmatmat$"):
        loewner.linalg.block_krylov(operator, 1)


def test_bad_shapes_and_sparse_matrices_of_complex_numbers_are_refused(a: NDArray[np.float64]) -> None:
    operator = Products(a)
    operator.shape = (300,)
    with pytest.raises(ValueError, match=r"two dimensions, got shape \(300,\)"):
        loewner.linalg.block_krylov(operator, 1)
    with pytest.raises(TypeError, match="real numbers, got csr_array of complex128"):
        loewner.linalg.block_krylov(scipy.sparse.csr_array(a + 0j), 1)
