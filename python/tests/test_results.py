# SPDX-License-Identifier: Apache-2.0
"""Results print their shapes and values, and can be pickled."""

from __future__ import annotations

import pickle
import re
from typing import Any

import loewner
import numpy as np
import pytest

A = np.random.default_rng(0).standard_normal((60, 5))

RESULTS: dict[str, Any] = {
    "RightSingularVectors": loewner.linalg.truncated_svd(A, 2),
    "KrylovSvd": loewner.linalg.block_krylov(A, 2),
    "SchattenPlan": loewner.linalg.schatten_plan(100, 2),
    "LeverageScores": loewner.sketch.leverage_scores(A),
    "LeastSquares": loewner.sketch.least_squares(A, A[:, :2]),
    "ResidualCurve": loewner.sketch.estimate_residuals(A, 2),
    "ProbedNorm": loewner.sketch.probe_residual(A, A[:, :1], np.ones((5, 1))),
    "ApproximationErrors": loewner.norms.approximation_errors(A, A + 1),
    "LewisWeights": loewner.norms.lewis_weights(A),
    "LoewnerEllipsoid": loewner.norms.loewner_ellipsoid(A),
    "EnclosingEllipsoid": loewner.norms.enclosing_ellipsoid(A),
    "LpFactorization": loewner.lowrank.lp_factorization(A),
    "LpLowRank": loewner.lowrank.lp_low_rank(A, 2),
    "LpRowProjection": loewner.lowrank.lp_row_projection(A, np.eye(2, 5)),
    "RobustSubspace": loewner.lowrank.robust_subspace(A, 2, loewner.norms.Loss.huber(1)),
    "EntrywiseLowRank": loewner.lowrank.entrywise_low_rank(A, 2, max_iterations=2),
    "RobustRegression": loewner.regression.lp_regression(A, A[:, :2]),
    "ShrunkRegression": loewner.regression.shrunk_regression(A, A[:, :1], np.eye(5)),
    "LabelPlan": loewner.regression.plan_labels(A, 9),
    "LatentSimplex": loewner.cluster.latent_simplex(A, 2),
    "ConvexCodes": loewner.cluster.convex_code(np.eye(2, 5), A),
    "HeavyKeys": loewner.attention.select_heavy_keys(A, eps=0.2),
    "SelectedAttention": loewner.attention.attend_selected(A, A, A, [0, 1]),
    "FitReport": loewner.sketch.least_squares(A, A).report,
}
# Their parts are views of one object.
NOT_PICKLED: dict[str, Any] = {
    "PlannedFit": loewner.regression.fit_plan(A, RESULTS["LabelPlan"], np.ones(9)),
    "ActiveRegression": loewner.regression.active_lp_regression(A, np.sqrt, 9),
    "ProjectiveClustering": loewner.cluster.projective_clustering(A, 2, 1),
}


def attributes_of(result: Any) -> dict[str, Any]:
    return {name: getattr(result, name) for name, each in vars(type(result)).items() if isinstance(each, property)}


def same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if type(first).__module__.startswith("loewner") and not isinstance(first, str):
        return repr(first) == repr(second)
    return bool(first == second) if not isinstance(first, list) else all(map(same, first, second))


@pytest.mark.parametrize("name", RESULTS | NOT_PICKLED)
def test_a_result_prints_its_attributes(name: str) -> None:
    result = (RESULTS | NOT_PICKLED)[name]
    text = repr(result)
    assert text.startswith(f"{name}(") and text.endswith(")") and len(text) < 700
    for attribute, value in attributes_of(result).items():
        if isinstance(value, np.ndarray) and f"{attribute}=" in text:
            assert f"{attribute}={value.dtype}[{', '.join(map(str, value.shape))}]" in text


@pytest.mark.parametrize("name", RESULTS | NOT_PICKLED)
def test_the_docstring_of_a_result_says_which_attributes_are_arrays(name: str) -> None:
    result = (RESULTS | NOT_PICKLED)[name]
    arrays = {attribute for attribute, value in attributes_of(result).items() if isinstance(value, np.ndarray)}
    assert set(re.findall(r"^(\w+) : ndarray of shape", str(type(result).__doc__), flags=re.MULTILINE)) == arrays


def test_a_repr_is_short_and_says_how_it_ended() -> None:
    expected = "LpRowProjection(left=float32[60, 2], report=FitReport(status='converged', iterations="
    assert repr(RESULTS["LpRowProjection"]).startswith(expected)


@pytest.mark.parametrize(
    "loss", ["power(1.5, 0.25)", "power(3.0, 0.0)", "huber(1e-05)", "geman_mcclure(2.0)", "tukey(0.1)"]
)
def test_the_repr_of_a_loss_is_the_call_that_makes_it(loss: str) -> None:
    assert repr(eval(f"Loss.{loss}", {"Loss": loewner.norms.Loss})) == f"Loss.{loss}"


@pytest.mark.parametrize("name", RESULTS)
def test_a_pickled_result_has_the_same_attributes(name: str) -> None:
    result = RESULTS[name]
    copy = pickle.loads(pickle.dumps(result))
    assert type(copy) is type(result)
    for attribute, value in attributes_of(result).items():
        assert same(value, getattr(copy, attribute)), attribute


@pytest.mark.parametrize("name", NOT_PICKLED)
def test_other_results_refuse_to_be_pickled(name: str) -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(NOT_PICKLED[name])


def test_a_pickled_stream_goes_on() -> None:
    stream = loewner.attention.HeavyKeyStream(5, 1, eps=0.2)
    stream.push(A[:30], A[:30, :1])
    copy = pickle.loads(pickle.dumps(stream))
    for each in (stream, copy):
        each.push(A[30:], A[30:, :1])
    assert same(stream.current(), copy.current()) and copy.num_keys == 60
    assert same(pickle.loads(pickle.dumps(copy.current())), copy.current())
