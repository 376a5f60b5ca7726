# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loewner.commands.common import Options, progress_line, report

if TYPE_CHECKING:
    from loewner.evaluation import Collection, Evaluation, Interval, Task
    from loewner.evaluation.comparison import Progress
    from loewner.evaluation.model_index import ScoredCard


def _score(value: Interval) -> str:
    return f"{100 * value.value:.2f} [{100 * value.low:.2f}, {100 * value.high:.2f}]"


def _difference(value: Interval) -> str:
    return f"{100 * value.value:+.2f} [{100 * value.low:+.2f}, {100 * value.high:+.2f}]"


def _rows(evaluation: Evaluation) -> list[list[str]]:
    rows = [] if evaluation.scores else [[""] * 8]  # the first model on a collection without judgments
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
    from loewner.evaluation import to_json

    card = _card_of(options, models)
    tasks = _tasks(options)
    progress = progress_line(options)
    evaluations = [each for task in tasks for each in _evaluated(models, task, options, progress)]
    if progress:
        progress("", 1.0)
    if card:
        card.add([each for each in evaluations if each.model.resolve() == Path(options.card).resolve()])
    report(options, to_json(evaluations), _table(evaluations))


def _card_of(options: Options, models: Sequence[Path]) -> ScoredCard | None:
    """The card that gets the scores, opened before any model runs, so that a bad one costs no time."""
    if options.card is None:
        return None
    if Path(options.card).resolve() not in [model.resolve() for model in models]:
        raise ValueError(f"--card must be one of the models, got '{options.card}'")
    from loewner.evaluation.model_index import ScoredCard

    return ScoredCard(Path(options.card))


def _tasks(options: Options) -> list[Task | Collection]:
    """All tasks, read before any model runs."""
    from loewner.evaluation import glue_name, read_collection, read_task

    data = None if options.data is None else Path(options.data)
    return [
        read_collection(Path(name), options.split)
        if glue_name(name) is None and Path(name).is_dir()
        else read_task(name, data, options.split or "dev")
        for name in options.task
    ]


def _evaluated(
    models: Sequence[Path], task: Task | Collection, options: Options, progress: Progress | None
) -> list[Evaluation]:
    from loewner.evaluation import Collection, evaluate, evaluate_retrieval

    common: dict[str, Any] = {
        "batch_size": options.batch,
        "draws": options.draws,
        "seed": options.seed,
        "threads": options.threads,
        "progress": progress,
    }
    if isinstance(task, Collection):
        return evaluate_retrieval(models, task, max_length=options.max_length, index=options.index, **common)
    return evaluate(models, task, max_length=options.max_length or 128, **common)
