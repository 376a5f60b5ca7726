# SPDX-License-Identifier: Apache-2.0
"""The metrics of GLUE, and bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score, matthews_corrcoef

from loewner.evaluation.tasks import Task

Metric = Callable[[np.ndarray, np.ndarray], float]  # (predicted numbers or classes, labels) -> score


def _pearson(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(stats.pearsonr(predicted, labels).statistic)


def _spearman(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(stats.spearmanr(predicted, labels).statistic)


def _accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float((predicted == labels).mean())


def _f1(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(f1_score(labels, predicted, zero_division=0))


def _macro_f1(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(f1_score(labels, predicted, average="macro", zero_division=0))


def _matthews(predicted: np.ndarray, labels: np.ndarray) -> float:
    return float(matthews_corrcoef(labels, predicted))


_CLASSIFICATION: dict[str, dict[str, Metric]] = {
    "MRPC": {"f1": _f1, "accuracy": _accuracy},
    "QQP": {"f1": _f1, "accuracy": _accuracy},
    "CoLA": {"matthews": _matthews},
    **{task: {"accuracy": _accuracy} for task in ("SST-2", "RTE", "WNLI", "QNLI", "MNLI")},
}
_OWN_CLASSES: dict[str, Metric] = {"accuracy": _accuracy, "macro_f1": _macro_f1}
_REGRESSION: dict[str, Metric] = {"spearman": _spearman, "pearson": _pearson}


def metrics_of_classifier(task: Task) -> Mapping[str, Metric]:
    """The metrics of the task; the first is the main one."""
    if task.is_regression:
        return _REGRESSION
    return _CLASSIFICATION.get(task.name, _OWN_CLASSES)


def metrics_of_encoder(task: Task) -> Mapping[str, Metric]:
    """Metrics of the cosine of two sentence vectors.

    Raises
    ------
    ValueError
        If the cosine cannot predict the labels of the task.
    """
    if task.is_pair and task.is_regression:
        return _REGRESSION
    if task.is_pair and task.similar is not None:
        similar = task.similar
        return {"average_precision": lambda cosine, labels: float(average_precision_score(labels == similar, cosine))}
    raise ValueError(f"task {task.name} needs a classifier: the cosine of a plain encoder cannot predict its labels")


@dataclass(frozen=True)
class Interval:
    """A value and the 2.5 % and 97.5 % quantiles of its bootstrap."""

    value: float
    low: float
    high: float


def resamples(count: int, draws: int, seed: int) -> np.ndarray:
    """Indices (draws x count) of sentences drawn with replacement."""
    return np.random.default_rng(seed).integers(0, count, (draws, count))


def bootstrap(metric: Metric, predicted: np.ndarray, labels: np.ndarray, drawn: np.ndarray) -> tuple[float, np.ndarray]:
    """The metric, and its values on the resamples; NaN for a resample with a single label."""
    with np.errstate(all="ignore"):
        values = np.array([metric(predicted[rows], labels[rows]) for rows in drawn])
    return metric(predicted, labels), values


def interval(value: float, values: np.ndarray) -> Interval:
    """The interval of a value, from its values on the resamples."""
    usable = values[np.isfinite(values)]
    if usable.size == 0:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, [0.025, 0.975])
    return Interval(value, float(low), float(high))
