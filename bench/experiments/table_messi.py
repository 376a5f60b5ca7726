# SPDX-License-Identifier: Apache-2.0
"""The experiment of the MESSI paper: k subspaces for the embedding table of a classifier, with and without fine-tuning.

RTE and MRPC. --models must have the classifier of MRPC; without one of RTE, all-MiniLM-L6-v2 is first trained on RTE. k
= 1 is the truncated SVD. Scores x 100 on the dev split: RTE accuracy (277 pairs; standard deviation 3 points), MRPC
mean of accuracy and F1 (408 pairs; 2 points). Training uses bfloat16 products. Fifty minutes on two cores; earlier
results are cached in out/experiments/messi-TASK.json. Writes the table and docs/images/messi.svg.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import loewner
import torch
from compressed import ResultCache, weights_digest
from loewner.evaluation import read_task
from matplotlib import pyplot
from matrices import minilm_folder, quiet_transformers
from plots import save_plot
from results_page import OUT, experiment_parser, markdown_table, publish
from table_tasks import score_of
from training import SEED, train
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TASKS = ("RTE", "MRPC")
SUBSPACES = (1, 2, 3, 4, 5, None)  # None: chosen by the budget
KEEPS = (0.72, 0.5, 0.25)
TUNED_KEEP, EPOCHS, RATE = 0.25, 2, 2e-5
COLUMNS = (*((keep, False) for keep in KEEPS), (TUNED_KEEP, True))
CLASSIFIER_EPOCHS, CLASSIFIER_RATE = 4, 1e-4  # of the classifier of RTE


def label_of(subspaces: int | None) -> str:
    return "auto" if subspaces is None else str(subspaces)


def train_classifier(task: str, glue: Path, folder: Path) -> None:
    """Trains all-MiniLM-L6-v2 with a head for two classes and frozen embeddings."""
    torch.manual_seed(SEED)
    base = minilm_folder()
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=2)
    for name, parameter in model.named_parameters():
        parameter.requires_grad &= ".embeddings." not in name
    tokenizer = AutoTokenizer.from_pretrained(base)
    train(
        model,
        tokenizer,
        read_task(task, glue, split="train"),
        epochs=CLASSIFIER_EPOCHS,
        rate=CLASSIFIER_RATE,
        bfloat16=True,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def classifier(task: str, models: Path, glue: Path) -> Path:
    given, own = models / task, OUT / "classifiers" / task
    if given.exists():
        return given
    if not own.exists():
        train_classifier(task, glue, own)
    return own


def write_compressed(folder: Path, model: Path, keep: float, subspaces: int | None) -> None:
    if subspaces == 1:
        loewner.compress(model, folder, keep=keep, method="svd", text="none")
    else:
        loewner.compress(model, folder, keep=keep, method="subspaces", num_subspaces=subspaces, text="none")


def write_fine_tuned(folder: Path, model: Path, task: str, glue: Path) -> None:
    """Saves `model` after two more epochs on all parameters, including the factors of the table."""
    torch.manual_seed(SEED)
    tuned = AutoModelForSequenceClassification.from_pretrained(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    train(tuned, tokenizer, read_task(task, glue, split="train"), epochs=EPOCHS, rate=RATE, bfloat16=True)
    tuned.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


class Experiment:
    """Scores of a task by keep, k and fine-tuning, cached by the digest of the weights."""

    def __init__(self, task: str, models: Path, glue: Path) -> None:
        self.task, self.glue = task, glue
        self.cache = ResultCache(f"messi-{task}")
        self.model = classifier(task, models, glue)

    def scores(self, keep: float, tuned: bool) -> list[float]:
        """Scores of the original and of every number of subspaces."""
        return [self._original(tuned), *(self._compressed(keep, subspaces, tuned) for subspaces in SUBSPACES)]

    def _original(self, tuned: bool) -> float:
        return self._score(f"original tuned={tuned}", tuned, lambda _: self.model)

    def _compressed(self, keep: float, subspaces: int | None, tuned: bool) -> float:
        def small(scratch: Path) -> Path:
            write_compressed(scratch / "small", self.model, keep, subspaces)
            return scratch / "small"

        return self._score(f"keep={keep} k={label_of(subspaces)} tuned={tuned}", tuned, small)

    def _score(self, title: str, tuned: bool, make: Callable[[Path], Path]) -> float:
        def compute() -> dict:
            trained = scratch / "tuned"
            if tuned:
                write_fine_tuned(trained, folder, self.task, self.glue)
            return {"score": score_of(read_task(self.task, self.glue), trained if tuned else folder)}

        with tempfile.TemporaryDirectory(dir=OUT) as name:
            scratch = Path(name)
            folder = make(scratch)
            score = self.cache.get(f"tuned={tuned} {weights_digest(folder)}", compute)["score"]
        print(f"{self.task} {title}: {score:.2f}", file=sys.stderr, flush=True)
        return score


def columns_of(task: str, models: Path, glue: Path) -> list[list[float]]:
    """A column of scores for every setting. Each task runs in its own process on one core, which is faster than one
    task after the other on two cores."""
    quiet_transformers()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // len(TASKS)))
    experiment = Experiment(task, models, glue)
    return [experiment.scores(keep, tuned) for keep, tuned in COLUMNS]


def draw(columns: dict[str, list[list[float]]]) -> None:
    figure, plots = pyplot.subplots(1, len(TASKS), figsize=(8, 3.5))
    for axes, task in zip(plots, TASKS, strict=True):
        for tuned, style in ((False, "o--"), (True, "s-")):
            original, *scores = columns[task][COLUMNS.index((TUNED_KEEP, tuned))]
            axes.plot(list(map(label_of, SUBSPACES)), scores, style, label="two epochs" if tuned else "not trained")
            axes.axhline(original, linewidth=0.8, color="gray", linestyle=style[1:])
        axes.set_title(f"{task}, {TUNED_KEEP:.0%} of the bytes")
        axes.set_xlabel("subspaces")
        axes.legend()
    save_plot(figure, "messi")


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    with ProcessPoolExecutor(len(TASKS), multiprocessing.get_context("spawn")) as pool:
        found = pool.map(partial(columns_of, models=arguments.models, glue=arguments.glue), TASKS)
        columns = dict(zip(TASKS, found, strict=True))
    header = ["subspaces"]
    header += [f"{task} {keep:.0%}" + ", trained" * tuned for task in TASKS for keep, tuned in COLUMNS]
    names = ["original", *map(label_of, SUBSPACES)]
    rows = [
        [name, *(f"{score:.2f}" for score in scores)]
        for name, *scores in zip(names, *(column for task in TASKS for column in columns[task]), strict=True)
    ]
    draw(columns)
    publish("messi", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
