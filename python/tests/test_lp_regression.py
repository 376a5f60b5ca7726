# SPDX-License-Identifier: Apache-2.0
"""l_p regression, label plans and active regression from Python: peers, dtypes, callbacks, errors."""

from __future__ import annotations

import math
from typing import Any

import loewner
import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray
from scipy.optimize import linprog
from sklearn.linear_model import HuberRegressor, QuantileRegressor


@pytest.fixture(params=[np.float32, np.float64])
def a(request: pytest.FixtureRequest) -> NDArray[Any]:
    random = np.random.default_rng(1)
    rows = random.standard_normal((300, 6)) * np.exp(2 * random.standard_normal((300, 1)))
    return rows.astype(request.param)


@pytest.fixture
def b(a: NDArray[Any]) -> NDArray[np.float64]:
    random = np.random.default_rng(2)
    noise = random.laplace(size=(300, 3))
    noise[::40] += 50
    return a.astype(np.float64) @ np.ones((6, 3)) + noise


def least_sum(a: NDArray[Any], b: NDArray[np.float64]) -> float:
    n, d = a.shape
    constraints = scipy.sparse.hstack([a.astype(np.float64), scipy.sparse.eye(n), -scipy.sparse.eye(n)])
    bounds = [(None, None)] * d + [(0, None)] * (2 * n)
    return float(linprog(np.r_[np.zeros(d), np.ones(2 * n)], A_eq=constraints, b_eq=b, bounds=bounds).fun)


def least_maximum(a: NDArray[Any], b: NDArray[np.float64]) -> float:
    n, d = a.shape
    wide, ones = a.astype(np.float64), np.ones((n, 1))
    constraints = np.block([[wide, -ones], [-wide, -ones]])
    bounds = [(None, None)] * d + [(0, None)]
    return float(linprog(np.r_[np.zeros(d), 1], A_ub=constraints, b_ub=np.r_[b, -b], bounds=bounds).fun)


def test_least_absolute_deviations_are_those_of_linear_programming(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    fit = loewner.regression.lp_regression(a, b)
    assert fit.converged and fit.rank == 6
    for j in range(3):
        assert fit.objectives[j] == pytest.approx(least_sum(a, b[:, j]), rel=1e-7)


def test_the_least_maximum_is_that_of_linear_programming(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    fit = loewner.regression.lp_regression(a, b, norm_exponent=math.inf)
    for j in range(3):
        assert fit.objectives[j] == pytest.approx(least_maximum(a, b[:, j]), rel=1e-7)


def test_the_median_regression_of_sklearn_is_no_better(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    peer = QuantileRegressor(alpha=0, fit_intercept=False).fit(a.astype(np.float64), b[:, 0])
    size = np.abs(b[:, 0] - a.astype(np.float64) @ peer.coef_).sum()
    assert loewner.regression.lp_regression(a, b).objectives[0] == pytest.approx(size, rel=1e-7)


def test_the_huber_regression_of_sklearn_is_no_better(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    peer = HuberRegressor(alpha=0, fit_intercept=False, max_iter=10000, tol=1e-10).fit(a.astype(np.float64), b[:, 0])
    scale = float(peer.epsilon * peer.scale_)  # it fits the scale too
    size = np.abs(b[:, 0] - a.astype(np.float64) @ peer.coef_)
    objective = np.where(size <= scale, size**2 / 2, scale * (size - scale / 2)).sum()
    fit = loewner.regression.huber_regression(a, b, scale)
    assert fit.objectives[0] <= objective * (1 + 1e-9)
    assert fit.objectives[0] == pytest.approx(objective, rel=1e-4)


@pytest.mark.parametrize("p", [1.0, 1.3, 2.0, 4.0, math.inf])
def test_objectives_and_bounds_belong_to_the_solution(a: NDArray[Any], b: NDArray[np.float64], p: float) -> None:
    fit = loewner.regression.lp_regression(a, b, norm_exponent=p)
    norms = np.linalg.norm(b - a.astype(np.float64) @ fit.x, ord=p, axis=0)
    assert np.allclose(fit.objectives, norms, rtol=1e-12)
    assert (fit.lower_bounds <= fit.objectives).all()
    assert (fit.lower_bounds >= fit.objectives * (1 - 1e-9)).all()
    assert fit.statuses == ["converged"] * 3


def test_errors_of_regression_are_value_errors(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="norm_exponent must be at least 1"):
        loewner.regression.lp_regression(a, b, norm_exponent=0.5)
    with pytest.raises(ValueError, match="one value per row"):
        loewner.regression.lp_regression(a, b, row_weights=np.ones(3))
    b[7, 2] = np.nan
    with pytest.raises(ValueError, match="row 7, column 2"):
        loewner.regression.lp_regression(a, b)
    with pytest.raises(ValueError, match=r"b must have one or two dimensions, got an array of shape \(1, 300, 3\)"):
        loewner.regression.lp_regression(a, b[None])


def test_targets_may_be_a_vector_and_of_any_precision(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    whole = loewner.regression.lp_regression(a, b)
    one = loewner.regression.lp_regression(a, np.ascontiguousarray(b[:, 1]))
    assert one.x.shape == (a.shape[1], 1)
    assert np.allclose(one.objectives, whole.objectives[1], rtol=1e-8)
    single = b.astype(np.float32)
    assert np.allclose(
        loewner.regression.lp_regression(a, single).x, loewner.regression.lp_regression(a, single.astype(np.float64)).x
    )


def test_a_plan_is_saved_read_and_fitted(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    plan = loewner.regression.plan_labels(a, 60, norm_exponent=1.5)
    again = loewner.regression.LabelPlan.from_csv(plan.to_csv())
    assert again.rows.dtype == np.int64 and np.array_equal(again.rows, plan.rows) and len(plan.rows) == 60
    assert np.array_equal(again.weights, 1 / plan.probabilities)
    fit = loewner.regression.fit_plan(a, again, b[plan.rows])
    full = loewner.regression.lp_regression(a, b, norm_exponent=1.5)
    away = np.linalg.norm(b - a.astype(np.float64) @ fit.regression.x, ord=1.5, axis=0)
    assert (away < 1.2 * full.objectives).all()
    with pytest.raises(loewner.IoError, match=r"labels\.csv: line 1"):
        loewner.regression.LabelPlan.from_csv("row,probability\n", "labels.csv")


def test_labels_are_asked_for_once(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    asked: list[NDArray[np.int64]] = []

    def labels(rows: NDArray[np.int64]) -> Any:
        asked.append(rows)
        return b[rows, 0]

    found = loewner.regression.active_lp_regression(a, labels, 90, runs=3)
    assert len(asked) == 1 and len(asked[0]) == len(set(asked[0])) <= 90
    assert np.array_equal(found.labeled_rows, asked[0])
    assert found.x.shape == (6, 1) and len(found.fits) == 3
    assert np.array_equal(found.x, found.fits[found.runs[0]].regression.x)


def test_what_the_callback_raises_comes_through(a: NDArray[Any]) -> None:
    class Laboratory(Exception):
        pass

    def broken(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        raise Laboratory("closed")

    with pytest.raises(Laboratory, match="closed"):
        loewner.regression.active_lp_regression(a, broken, 20)
    with pytest.raises(ValueError, match=r"label of row \d+ must be finite"):
        loewner.regression.active_lp_regression(a, lambda rows: np.full(len(rows), np.nan), 20)
    with pytest.raises(ValueError, match="got 1"):
        loewner.regression.active_lp_regression(a, lambda rows: np.ones(1), 20)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        loewner.regression.plan_labels(a, 0)


def test_sensitivities_and_huber_regression_from_few_labels(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    plan = loewner.regression.plan_labels(a, 100, norm_exponent=2, importance="sensitivity")
    fit = loewner.regression.huber_regression(a[plan.rows], b[plan.rows], 1.0, row_weights=plan.weights)
    full = loewner.regression.huber_regression(a, b, 1.0)
    size = np.abs(b - a.astype(np.float64) @ fit.x)
    assert (np.where(size <= 1, size**2 / 2, size - 0.5).sum(0) < 1.5 * full.objectives).all()
    assert loewner.regression.loss_sensitivities(a, 2).shape == (300,)


def test_a_stream_is_fitted_within_its_budget(a: NDArray[Any], b: NDArray[np.float64]) -> None:
    online = loewner.regression.OnlineActiveRegression(6, 100, 300, norm_exponent=1.5)
    for row, label in zip(a.astype(np.float64), b[:, 0], strict=True):
        if online.offer(row):
            online.add_label(label)
    assert online.num_rows == 300 and len(online.labeled_rows) <= 100 and not online.exhausted
    assert online.fit().rank == 6
    with pytest.raises(ValueError, match="must follow an offer"):
        online.add_label(1)
