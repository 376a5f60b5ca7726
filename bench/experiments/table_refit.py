# SPDX-License-Identifier: Apache-2.0
"""`loewner refit` of all-MiniLM-L6-v2: improvement of the factors against the number of tokens and their choice.

First the token table at 50 % of its bytes (svd, f32 factors), fitted to tokens chosen by Lewis weights or uniformly
from the distinct tokens of a text: the sentences of STS-B train and MRPC train. error: relative Frobenius error of the
rows of the table, weighted by their frequency in that text and in the unseen text of STS-B dev and MRPC dev; median and
worst over seeds. cos and sts as in table_quality.py, for the first seed. Then the whole model at 72 % (--all), before
and after a refit of every layer on 1500 of the sentences. About nine minutes on two cores.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from compressed import Compressed
from loewner import compress, expand, load
from loewner.regression import LabelImportance
from loewner.transformers.refit import refit
from matrices import minilm_folder, minilm_table
from results_page import OUT, experiment_parser, markdown_table, publish
from sentence_fidelity import glue_rows
from table_quality import Fidelity
from transformers import AutoTokenizer

SEEDS = 3
WHOLE_LINES, WHOLE_ROWS = 1500, 2048
HEADER = ["tokens", "chosen by", "p", "error, text", "worst", "error, unseen", "worst", "cos", "sts"]
WHOLE_HEADER = ["whole model, 72 %", "cos", "sts"]


@dataclass(frozen=True)
class Setting:
    rows: int
    importance: LabelImportance
    norm_exponent: float


SETTINGS = [
    *(Setting(rows, LabelImportance.lewis, 2.0) for rows in (256, 1024, 4096)),
    *(Setting(rows, LabelImportance.uniform, 2.0) for rows in (256, 1024, 4096)),
    *(Setting(4096, LabelImportance.lewis, p) for p in (1.0, 4.0)),
]


def training_lines(glue: Path) -> list[str]:
    """The sentences of STS-B train and MRPC train, in random order."""
    lines = []
    for task in ("STS-B", "MRPC"):
        rows = glue_rows(glue, task, "train")
        lines += [row[0] for row in rows] + [row[1] for row in rows]
    return [lines[i] for i in np.random.default_rng(0).permutation(len(lines))]


def token_counts(lines: Sequence[str]) -> np.ndarray:
    ids = AutoTokenizer.from_pretrained(minilm_folder())(list(lines), truncation=True, max_length=128)["input_ids"]
    return np.bincount(np.concatenate(ids), minlength=len(minilm_table())).astype(np.float64)


def table_of(folder: Path) -> np.ndarray:
    with torch.inference_mode():
        return load(folder).get_input_embeddings().decode().numpy()


def error(table: np.ndarray, counts: np.ndarray) -> float:
    original = minilm_table()
    return float(np.sqrt(counts @ ((table - original) ** 2).sum(1) / (counts @ (original**2).sum(1))))


def quality(fidelity: Fidelity, folder: Path) -> list[str]:
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        dense = Path(name) / "dense"
        expand(folder, dense)
        found = fidelity.of_folder(Compressed(dense, [], {}))
    return [f"{found['cos']:.4f}", f"{found['sts']:.2f}"]


class Experiment:
    def __init__(self, glue: Path, scratch: Path) -> None:
        self.lines = training_lines(glue)
        self.fidelity = Fidelity(glue)
        self.scratch = scratch
        self.counts = [token_counts(self.lines), token_counts(self.fidelity.data.sentences)]

    def errors(self, folders: Sequence[Path]) -> list[str]:
        """Median and largest error over the folders, on the text and on the unseen text."""
        tables = [table_of(folder) for folder in folders]
        cells = []
        for counts in self.counts:
            found = [error(table, counts) for table in tables]
            cells += [f"{np.median(found):.4f}", f"{max(found):.4f}"]
        return cells

    def row(self, output: Path, setting: Setting) -> list[str]:
        folders = []
        for seed in range(SEEDS):
            folders.append(self.scratch / f"{setting.importance.name}-{setting.rows}-{setting.norm_exponent}-{seed}")
            refit(
                output,
                minilm_folder(),
                folders[-1],
                self.lines,
                rows=setting.rows,
                norm_exponent=setting.norm_exponent,
                importance=setting.importance,
                seed=seed,
            )
        chosen_by = "Lewis weights" if setting.importance == LabelImportance.lewis else "uniform"
        quality_of_first = quality(self.fidelity, folders[0])
        return [str(setting.rows), chosen_by, f"{setting.norm_exponent:g}", *self.errors(folders), *quality_of_first]

    def table_rows(self) -> list[list[str]]:
        output = self.scratch / "table"
        compress(minilm_folder(), output, keep=0.5, method="svd")
        rows = [["0", "before", "", *self.errors([output]), *quality(self.fidelity, output)]]
        return rows + [self.row(output, setting) for setting in SETTINGS]

    def whole_rows(self) -> list[list[str]]:
        output, refitted = self.scratch / "whole", self.scratch / "whole-refit"
        compress(minilm_folder(), output, keep=0.72, method="svd", selection="all")
        refit(output, minilm_folder(), refitted, self.lines[:WHOLE_LINES], rows=WHOLE_ROWS)
        return [
            ["svd", *quality(self.fidelity, output)],
            [f"refit, {WHOLE_ROWS} tokens a layer", *quality(self.fidelity, refitted)],
        ]


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        experiment = Experiment(arguments.glue, Path(name))
        publish("refit", markdown_table(HEADER, experiment.table_rows()), arguments.update_docs)
        publish("refit-whole", markdown_table(WHOLE_HEADER, experiment.whole_rows()), arguments.update_docs)


if __name__ == "__main__":
    main()
