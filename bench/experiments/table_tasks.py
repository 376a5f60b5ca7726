# SPDX-License-Identifier: Apache-2.0
"""Scores of fine-tuned classifiers after their embedding table alone was compressed, without fine-tuning again.

--models: a folder with one sequence classifier per task (STS-B, MRPC, SST-2, CoLA), ordinary Hugging Face folders.
Scores x 100 on the dev split: STS-B mean of Pearson and Spearman, MRPC mean of accuracy and F1, SST-2 accuracy, CoLA
Matthews correlation. About a minute per row on two cores; scores found before come from out/experiments/tasks.json.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import scipy.stats
import torch
import transformers
from compressed import Compressed, Remembered, compressed
from results_page import ROOT, markdown_table, publish
from sklearn.metrics import f1_score, matthews_corrcoef
from transformers import AutoModelForSequenceClassification, AutoTokenizer

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


def similarity(outputs: np.ndarray, labels: np.ndarray) -> float:
    pearson, spearman = scipy.stats.pearsonr(outputs[:, 0], labels), scipy.stats.spearmanr(outputs[:, 0], labels)
    return (pearson.statistic + spearman.statistic) / 2


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    return float((outputs.argmax(1) == labels).mean())


TASKS = {
    "STS-B": similarity,
    "MRPC": lambda outputs, labels: (accuracy(outputs, labels) + f1_score(labels, outputs.argmax(1))) / 2,
    "SST-2": accuracy,
    "CoLA": lambda outputs, labels: matthews_corrcoef(labels, outputs.argmax(1)),
}


def read_dev(file: Path) -> tuple[list[list[str]], np.ndarray]:
    """Columns of sentences (one or two), and the labels."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    *sentences, labels = zip(*rows, strict=True)
    return [list(column) for column in sentences], np.array([float(label) for label in labels])


@torch.inference_mode()
def outputs_of(folder: Path, sentences: list[list[str]]) -> np.ndarray:
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    order = sorted(range(len(sentences[0])), key=lambda i: sum(len(column[i]) for column in sentences))
    outputs = np.empty((len(order), model.config.num_labels), np.float32)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        columns = [[column[i] for i in chosen] for column in sentences]
        batch = tokenizer(*columns, padding=True, truncation=True, max_length=128, return_tensors="pt")
        outputs[chosen] = model(**batch).logits.numpy()
    return outputs


class Scores:
    """Scores of checkpoints on the tasks, remembered by the digest of their weights."""

    def __init__(self, glue: Path) -> None:
        self.glue = glue
        self.remembered = Remembered("tasks")

    def of(self, task: str, model: Compressed) -> float:
        def score() -> dict:
            sentences, labels = read_dev(self.glue / task / "dev.tsv")
            return {"score": 100 * float(TASKS[task](outputs_of(model.folder, sentences), labels))}

        return self.remembered.get(f"{task} {model.digest()}", score)["score"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glue", type=Path, default=ROOT.parent / "shared" / "glue", help="folder of the GLUE tasks")
    parser.add_argument("--models", type=Path, default=ROOT / "out" / "models", help="folder of fine-tuned models")
    parser.add_argument("--update-docs", action="store_true", help="write the table into docs/results.md")
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    scores = Scores(arguments.glue)

    def compressed_scores(options: list[str]) -> list[float]:
        found = []
        for task in TASKS:
            with compressed(arguments.models / task, *options) as result:
                found.append(scores.of(task, result))
        return found

    original = [scores.of(task, Compressed(arguments.models / task, {}, {})) for task in TASKS]
    measured = [("original", original)]
    for name, options in SETTINGS:
        measured.append((name, compressed_scores(options)))
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
    publish("tasks", markdown_table(["setting", *TASKS, "mean", "drop"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
