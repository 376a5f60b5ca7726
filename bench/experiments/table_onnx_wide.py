# SPDX-License-Identifier: Apache-2.0
"""Memory and time of ONNX files of a wide model: a BERT-base with random weights, in codes of 3 bits.

Its layers take a larger part of the memory than those of all-MiniLM-L6-v2. Run it on an idle machine; about seven
minutes. Memory as in table_onnx.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import loewner
import numpy as np
import torch
from results_page import OUT, experiment_parser, markdown_table, publish
from table_onnx import LARGE, SMALL, THREADS, forward_seconds, memory
from transformers import BertConfig, BertModel

SHAPES = [SMALL, LARGE]


def made(work: Path) -> dict[str, Path]:
    """The exported files."""
    dense, small = work / "model", work / "small"
    torch.manual_seed(0)
    BertModel(BertConfig()).save_pretrained(dense)
    loewner.compress(dense, small, bits=3, selection="all", text="none", if_exists="overwrite")
    files = {}
    for form, folder in {"dense": dense, "folded": small, "int8": small}.items():
        linear = "int8" if form == "int8" else "folded"
        report = loewner.export(folder, work / form, linear=linear, if_exists="overwrite")
        files[form] = Path(report.file)
    return files


def main() -> None:
    parser: argparse.ArgumentParser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="measured forward passes of each file (default 12)")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    work = OUT / "onnx-wide"
    work.mkdir(exist_ok=True)
    files = made(work)
    times = {shape: forward_seconds(files, shape, arguments.rounds) for shape in SHAPES}
    rows = []
    for form, file in files.items():
        seconds, resident, trimmed, peak = memory(file, LARGE)
        ratios = [np.median(np.divide(times[shape][form], times[shape]["dense"])) for shape in SHAPES]
        row = [form, f"{file.stat().st_size / 1e6:.1f}", *(f"{ratio:.2f}" for ratio in ratios), f"{seconds:.1f}"]
        rows.append([*row, *(f"{size:.0f}" for size in (resident, trimmed, peak))])
    times_of = [f"{batch} x {length}" for batch, length in SHAPES]
    header = ["form", "MB", *times_of, "s to load", "MB resident", "trimmed", "peak"]
    publish("onnx-wide", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
