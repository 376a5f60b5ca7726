# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loewner.commands.common import add_common_options, progress_line, report

if TYPE_CHECKING:
    from loewner.evaluation import Evaluation, Interval


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="loewner eval",
        description="Score models on labelled sentences, and say how far they are from the first one.",
        epilog="Tasks: STS-B, MRPC, SST-2, CoLA, RTE, WNLI, QNLI, QQP, MNLI, or a .tsv, .csv or .jsonl file with the "
        "fields sentence (or sentence1 and sentence2) and label. Nothing is downloaded.",
    )
    parser.add_argument(
        "MODEL", type=Path, nargs="+", help="model folders; the first is what the others are held against"
    )
    parser.add_argument("--task", action="append", required=True, help="a task of GLUE or a file; may be repeated")
    parser.add_argument("--data", type=Path, help="folder with a folder for each task of GLUE")
    parser.add_argument("--split", default="dev", help="which file of a task of GLUE (default dev)")
    parser.add_argument("--batch", type=int, default=32, help="sentences run together (default 32)")
    parser.add_argument("--max-length", type=int, default=128, help="tokens of a sentence or pair (default 128)")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap resamples (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the resamples (default 0)")
    add_common_options(parser)
    options = parser.parse_args(arguments)
    for name in ("batch", "max_length", "draws"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def _score(value: Interval) -> str:
    return f"{100 * value.value:.2f} [{100 * value.low:.2f}, {100 * value.high:.2f}]"


def _difference(value: Interval) -> str:
    return f"{100 * value.value:+.2f} [{100 * value.low:+.2f}, {100 * value.high:+.2f}]"


def _rows(evaluation: Evaluation) -> list[list[str]]:
    rows = []
    for name, score in evaluation.scores.items():
        difference = (evaluation.differences or {}).get(name)
        rows.append(["", "", name, _score(score), _difference(difference) if difference else "", "", "", ""])
    fidelity = evaluation.fidelity
    near = f"{fidelity.measure} {fidelity.mean:.4f}" if fidelity else ""
    if fidelity and fidelity.quantile is not None:
        near += f", 1 % below {fidelity.quantile:.4f}"
    rows[0][:2] = [str(evaluation.model), evaluation.task]
    rows[0][5:] = [near, f"{evaluation.tokens_per_second:.0f}", f"{evaluation.resident_bytes / 1e6:.0f}"]
    return rows


def _table(evaluations: Sequence[Evaluation]) -> str:
    rows = [["model", "task", "metric", "score x 100, 95 %", "to the first", "outputs to the first", "tokens/s", "MB"]]
    for evaluation in evaluations:
        rows += _rows(evaluation)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def main(arguments: Sequence[str]) -> None:
    options = _arguments(arguments)
    for model in options.MODEL:
        if not (model / "config.json").exists():
            raise OSError(f"{model}: must be a model folder with a config.json")
    from loewner.evaluation import evaluate, read_task, to_json

    tasks = [read_task(name, options.data, options.split) for name in options.task]
    progress = progress_line(options)
    evaluations = []
    for task in tasks:
        evaluations += evaluate(
            options.MODEL,
            task,
            batch_size=options.batch,
            max_length=options.max_length,
            draws=options.draws,
            seed=options.seed,
            threads=options.threads,
            progress=progress,
        )
    if progress:
        progress("", 1.0)
    report(options, to_json(evaluations), _table(evaluations))
