# SPDX-License-Identifier: Apache-2.0
"""Several models on one task: scores with their uncertainty, and how far each is from the first."""

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
    """How near the outputs are to those of the first model.

    Encoders: cosine of sentence vectors, mean and 1 % quantile. Classifiers: share of equal predictions. Regressions:
    Pearson correlation of the predictions.
    """

    measure: str  # "cosine", "agreement" or "correlation"
    mean: float
    quantile: float | None  # 1 %, of cosines


@dataclass(frozen=True)
class Evaluation:
    """One model on one task; differences and fidelity are to the first model of the call, None for itself."""

    model: Path
    task: str
    count: int  # of sentences or pairs
    scores: dict[str, Interval]
    differences: dict[str, Interval] | None
    fidelity: Fidelity | None
    tokens_per_second: float
    resident_bytes: int


@dataclass(frozen=True)
class _Said:
    """What a model said, as the metrics and the fidelity take it."""

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
    """Evaluates each model in a process of its own, so that its memory is its own; the first one is the reference.

    Plain encoders are scored by the cosine of their sentence vectors, classifiers by their head. Intervals are 95 % of
    `draws` resamples of the sentences, the same for all models: differences are paired.

    Errors    ValueError when a model cannot do the task; those of loading it.
    """
    drawn = resamples(len(task), draws, seed)
    evaluations: list[Evaluation] = []
    first: tuple[_Said, dict[str, np.ndarray]] | None = None
    for model in models:
        if progress:
            progress(str(model), 0.0)
        said = _in_own_process(model, task, batch_size, max_length, threads)
        values = {name: bootstrap(metric, said.predicted, task.labels, drawn) for name, metric in said.metrics.items()}
        differences = fidelity = None
        if first is None:
            first = said, {name: sampled for name, (_, sampled) in values.items()}
            reference = {name: value for name, (value, _) in values.items()}
        else:
            differences = {
                name: interval(value - reference[name], sampled - first[1][name])
                for name, (value, sampled) in values.items()
                if name in reference
            }
            fidelity = _fidelity(said, first[0], task)
        scores = {name: interval(value, sampled) for name, (value, sampled) in values.items()}
        speed, resident = said.outputs.tokens_per_second, said.outputs.resident_bytes
        evaluations.append(Evaluation(model, task.name, len(task), scores, differences, fidelity, speed, resident))
    return evaluations


def _in_own_process(model: Path, task: Task, batch_size: int, max_length: int, threads: int | None) -> _Said:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        outputs, is_classifier, classes = pool.submit(_run, model, task, batch_size, max_length, threads).result()
    if not is_classifier:
        return _Said(dict(metrics_of_encoder(task)), _cosines(*outputs.arrays), outputs, False)
    logits = outputs.arrays[0]
    if task.is_regression != (logits.shape[1] == 1):
        wanted = "one output" if task.is_regression else "an output per class"
        raise ValueError(f"{model}: task {task.name} needs {wanted}, the model has {logits.shape[1]}")
    predicted = logits[:, 0] if task.is_regression else np.array(classes)[logits.argmax(1)]
    return _Said(dict(metrics_of_classifier(task)), predicted, outputs, True)


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
        metrics_of_encoder(task)  # refuses before it runs
    return model.outputs(task.sentences), model.is_classifier, _classes_of(model, task)


def _classes_of(model: Model, task: Task) -> list[int]:
    """The task's number of each class of the model: by name where the model names the task's classes, else in order."""
    names = {str(name).lower(): i for i, name in enumerate(task.label_names)}
    own = [name.lower() for name in model.class_names] if model.is_classifier else []
    return [names[name] for name in own] if own and set(own) <= set(names) else list(range(len(own)))


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.asarray((first * second).sum(1) / np.maximum(norms, np.finfo(np.float32).tiny))


def _fidelity(said: _Said, reference: _Said, task: Task) -> Fidelity | None:
    if said.is_classifier != reference.is_classifier:
        return None
    if not said.is_classifier:
        if said.outputs.arrays[0].shape != reference.outputs.arrays[0].shape:
            return None  # vectors of another width
        pairs = zip(said.outputs.arrays, reference.outputs.arrays, strict=True)
        cosines = np.concatenate([_cosines(mine, theirs) for mine, theirs in pairs])
        return Fidelity("cosine", float(cosines.mean()), float(np.quantile(cosines, 0.01)))
    if task.is_regression:
        return Fidelity("correlation", float(np.corrcoef(said.predicted, reference.predicted)[0, 1]), None)
    return Fidelity("agreement", float((said.predicted == reference.predicted).mean()), None)


def to_json(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """The stable form of --json (docs/report.md)."""
    return [{**asdict(evaluation), "model": str(evaluation.model)} for evaluation in evaluations]
