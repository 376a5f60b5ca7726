# SPDX-License-Identifier: Apache-2.0
"""Evaluates several models on one task: scores with confidence intervals, and differences to the first model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from loewner.evaluation.metrics import (
    Interval,
    Metric,
    bootstrap,
    interval,
    metrics_of_classifier,
    metrics_of_encoder,
    resamples,
)
from loewner.evaluation.models import Model, Outputs
from loewner.evaluation.tasks import Task

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Fidelity:
    """Agreement of the outputs with those of the first model.

    Attributes
    ----------
    measure : {"cosine", "agreement", "correlation"}
        Encoders: cosine of sentence vectors. Classifiers: share of equal predictions. Regressions: Pearson correlation
        of the predictions.
    mean : float
        The mean of the measure over the sentences.
    quantile : float or None
        The 1 % quantile of the cosines; None for other measures.
    """

    measure: str
    mean: float
    quantile: float | None


@dataclass(frozen=True)
class Evaluation:
    """One model on one task.

    Attributes
    ----------
    model : Path
        The model folder.
    task : str
        The name of the task.
    count : int
        Number of sentences or pairs.
    scores : dict of str to Interval
        The score of each metric.
    differences : dict of str to Interval or None
        Score minus the first model's score; None for the first model.
    fidelity : Fidelity or None
        Agreement with the outputs of the first model; None for the first model and if outputs cannot be compared.
    tokens_per_second : float
        Tokens per second of the forward passes.
    resident_bytes : int
        Resident memory that the model added to its process.
    """

    model: Path
    task: str
    count: int
    scores: dict[str, Interval]
    differences: dict[str, Interval] | None
    fidelity: Fidelity | None
    tokens_per_second: float
    resident_bytes: int


@dataclass(frozen=True)
class _Predictions:
    """Outputs of a model, and predictions on which the metrics are computed."""

    metrics: dict[str, Metric]
    predicted: np.ndarray
    outputs: Outputs
    is_classifier: bool


def evaluate(
    models: Sequence[Path],
    task: Task,
    *,
    batch_size: int = 32,
    max_length: int = 128,
    draws: int = 1000,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Evaluation]:
    """Evaluate models on a task and compare each with the first one.

    Parameters
    ----------
    models : sequence of Path
        Model folders. The first model is the reference.
    task : Task
        Labeled sentences (`read_task`).
    batch_size : int, default 32
        Sentences or pairs in a batch.
    max_length : int, default 128
        Tokens of a sentence or pair; longer ones are truncated.
    draws : int, default 1000
        Bootstrap resamples.
    seed : int, default 0
        Random seed of the resamples.
    threads : int, optional
        Number of threads of torch.
    progress : callable, optional
        Called as ``progress(model, share)`` before each model.

    Returns
    -------
    list of Evaluation
        One entry for each model.

    Raises
    ------
    ValueError
        If a model does not fit the task. Loading a model may raise other exceptions.

    Notes
    -----
    Each model runs in a separate process, so that memory is measured separately. Plain encoders are scored by the
    cosine of their sentence vectors, classifiers by their predictions. Intervals are 95 % bootstrap intervals. All
    models share the resamples, so differences are paired and their intervals are narrower than those of the scores.

    Examples
    --------
    >>> from loewner.evaluation import evaluate, read_task
    >>> task = read_task("STS-B", Path("GLUE"))  # doctest: +SKIP
    >>> evaluate([Path("MODEL"), Path("SMALLER")], task)  # doctest: +SKIP
    """
    drawn = resamples(len(task), draws, seed)
    evaluations: list[Evaluation] = []
    first: tuple[_Predictions, dict[str, np.ndarray]] | None = None
    for model in models:
        if progress:
            progress(str(model), 0.0)
        predictions = _in_own_process(model, task, batch_size, max_length, threads)
        values = {
            name: bootstrap(metric, predictions.predicted, task.labels, drawn)
            for name, metric in predictions.metrics.items()
        }
        differences = fidelity = None
        if first is None:
            first = predictions, {name: sampled for name, (_, sampled) in values.items()}
            reference = {name: value for name, (value, _) in values.items()}
        else:
            differences = {
                name: interval(value - reference[name], sampled - first[1][name])
                for name, (value, sampled) in values.items()
                if name in reference
            }
            fidelity = _fidelity(predictions, first[0], task)
        scores = {name: interval(value, sampled) for name, (value, sampled) in values.items()}
        speed, resident = predictions.outputs.tokens_per_second, predictions.outputs.resident_bytes
        evaluations.append(Evaluation(model, task.name, len(task), scores, differences, fidelity, speed, resident))
    return evaluations


def _in_own_process(model: Path, task: Task, batch_size: int, max_length: int, threads: int | None) -> _Predictions:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        outputs, is_classifier, classes = pool.submit(_run, model, task, batch_size, max_length, threads).result()
    if not is_classifier:
        return _Predictions(dict(metrics_of_encoder(task)), _cosines(*outputs.arrays), outputs, False)
    logits = outputs.arrays[0]
    if task.is_regression != (logits.shape[1] == 1):
        wanted = "one output" if task.is_regression else "an output per class"
        raise ValueError(f"{model}: task {task.name} needs {wanted}, the model has {logits.shape[1]}")
    predicted = logits[:, 0] if task.is_regression else np.array(classes)[logits.argmax(1)]
    return _Predictions(dict(metrics_of_classifier(task)), predicted, outputs, True)


def _run(
    folder: Path, task: Task, batch_size: int, max_length: int, threads: int | None
) -> tuple[Outputs, bool, list[int]]:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if threads is not None:
        torch.set_num_threads(threads)
    model = Model(folder, batch_size=batch_size, max_length=max_length)
    if not model.is_classifier:
        metrics_of_encoder(task)  # raises before the model runs
    return model.outputs(task.sentences), model.is_classifier, _classes_of(model, task)


def _classes_of(model: Model, task: Task) -> list[int]:
    """The task's class number of each output: by class name if the model uses the task's names, else in order."""
    names = {str(name).lower(): i for i, name in enumerate(task.label_names)}
    own = [name.lower() for name in model.class_names] if model.is_classifier else []
    return [names[name] for name in own] if own and set(own) <= set(names) else list(range(len(own)))


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(1) / np.maximum(norms, np.finfo(np.float32).tiny))


def _fidelity(predictions: _Predictions, reference: _Predictions, task: Task) -> Fidelity | None:
    if predictions.is_classifier != reference.is_classifier:
        return None
    if not predictions.is_classifier:
        if predictions.outputs.arrays[0].shape != reference.outputs.arrays[0].shape:
            return None  # sentence vectors of different dimension
        pairs = zip(predictions.outputs.arrays, reference.outputs.arrays, strict=True)
        cosines = np.concatenate([_cosines(mine, theirs) for mine, theirs in pairs])
        return Fidelity("cosine", float(cosines.mean()), float(np.quantile(cosines, 0.01)))
    if task.is_regression:
        return Fidelity("correlation", float(np.corrcoef(predictions.predicted, reference.predicted)[0, 1]), None)
    return Fidelity("agreement", float((predictions.predicted == reference.predicted).mean()), None)


def to_json(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """The evaluations as JSON data (docs/report.md)."""
    return [{**asdict(evaluation), "model": str(evaluation.model)} for evaluation in evaluations]
