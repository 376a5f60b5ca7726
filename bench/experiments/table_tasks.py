# SPDX-License-Identifier: Apache-2.0
"""Scores of fine-tuned classifiers after compression of their embedding table alone, without further fine-tuning.

--models: a folder with one sequence classifier per task, ordinary Hugging Face folders named like the tasks. Scores x
100 on the dev split: STS-B mean of Pearson and Spearman, MRPC mean of accuracy and F1, SST-2 accuracy, CoLA Matthews
correlation. About a minute per row on two cores; earlier scores are cached in out/experiments/tasks.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from compressed import Compressed, ResultCache, compressed
from loewner.evaluation import Model, Task, read_task
from loewner.evaluation.metrics import metrics_of_classifier
from matrices import quiet_transformers
from results_page import experiment_parser, markdown_table, publish

KEEP72, KEEP50 = ["--keep", "0.72"], ["--keep", "0.5"]
UNWEIGHTED = ["--row-weights", "none"]

# setting, options of `loewner compress`
SETTINGS = [
    ("72 %, svd, no weights", [*KEEP72, "--method", "svd", *UNWEIGHTED]),
    ("72 %, lp p=1, no weights", [*KEEP72, "--method", "lp", "--norm-exponent", "1", *UNWEIGHTED]),
    *((f"72 %, svd, zipf^{a}", [*KEEP72, "--method", "svd", "--row-weights", f"zipf:{a}"]) for a in ("0.5", "1")),
    *(
        (f"72 %, lp p={p}, zipf^1", [*KEEP72, "--method", "lp", "--norm-exponent", p, "--row-weights", "zipf:1"])
        for p in ("1", "1.5")
    ),
    ("72 %, subspaces", [*KEEP72, "--method", "subspaces"]),
    ("50 %, svd, no weights", [*KEEP50, "--method", "svd", *UNWEIGHTED]),
    ("50 %, svd, zipf^1", [*KEEP50, "--method", "svd"]),
    ("50 %, subspaces", [*KEEP50, "--method", "subspaces"]),
    ("4.5 bits, int4", ["--bits", "4.6", "--method", "int4"]),
    *(
        (f"{bits} bits, {method}", ["--bits", bits, "--method", method])
        for bits in ("4.5", "3", "2", "1.5", "1")
        for method in ("codes", "coded-svd")
    ),
]


def tasks_in(models: Path) -> list[str]:
    """The names of the folders that hold a classifier."""
    tasks = sorted(file.parent.name for file in models.glob("*/config.json"))
    if not tasks:
        raise SystemExit(f"no classifier TASK/config.json in {models}")
    return tasks


def score_of(task: Task, folder: Path) -> float:
    """100 times the mean of the task's metrics."""
    outputs = Model(folder).outputs(task.sentences).arrays[0]
    predicted = outputs[:, 0] if task.is_regression else outputs.argmax(1)
    return 100 * float(np.mean([metric(predicted, task.labels) for metric in metrics_of_classifier(task).values()]))


class Scores:
    """Scores of checkpoints on the tasks, cached by the digest of their weights."""

    def __init__(self, glue: Path) -> None:
        self.glue = glue
        self.cache = ResultCache("tasks")

    def of(self, task: str, model: Compressed) -> float:
        def score() -> dict:
            return {"score": score_of(read_task(task, self.glue), model.folder)}

        return self.cache.get(f"{task} {model.digest()}", score)["score"]

    def after(self, options: list[str], models: Path) -> list[float]:
        """Scores of every classifier in `models` after compression with these options."""
        found = []
        for task in tasks_in(models):
            with compressed(models / task, *options) as result:
                found.append(self.of(task, result))
        return found

    def originals(self, models: Path) -> list[float]:
        return [self.of(task, Compressed(models / task, [], {})) for task in tasks_in(models)]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    quiet_transformers()
    scores, tasks = Scores(arguments.glue), tasks_in(arguments.models)
    original = scores.originals(arguments.models)
    measured = [("original", original)]
    for name, options in SETTINGS:
        measured.append((name, scores.after([*options, "--text", "none"], arguments.models)))
        print(*measured[-1], file=sys.stderr, flush=True)
    rows = [
        [
            name,
            *(f"{score:.2f}" for score in found),
            f"{np.mean(found):.2f}",
            f"{np.mean(original) - np.mean(found):.2f}",
        ]
        for name, found in measured
    ]
    publish("tasks", markdown_table(["setting", *tasks, "mean", "drop"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
