# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loewner.commands.common import Options, progress_line, report

if TYPE_CHECKING:
    from loewner.evaluation import Evaluation, Interval


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


def main(options: Options) -> None:
    models = [Path(model) for model in options.model]
    for model in models:
        if not (model / "config.json").exists() and not (model.suffix == ".onnx" and model.is_file()):
            raise OSError(f"{model}: expected a model folder with a config.json, or an ONNX file")
    from loewner.evaluation import evaluate, read_task, to_json

    data = None if options.data is None else Path(options.data)
    tasks = [read_task(name, data, options.split) for name in options.task]
    progress = progress_line(options)
    evaluations = []
    for task in tasks:
        evaluations += evaluate(
            models,
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
