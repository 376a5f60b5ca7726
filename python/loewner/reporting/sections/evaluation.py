# SPDX-License-Identifier: Apache-2.0
"""Section "Evaluation": scores of `loewner eval`."""

from __future__ import annotations

from collections.abc import Iterable

from loewner.reporting.data import Report
from loewner.reporting.evaluations import Range, Score
from loewner.reporting.markup import Markup, readable, tag
from loewner.reporting.table import Cell, number, table

HEADS = [
    *("Model", "Task", "Metric \u00d7 100", "Value", "95 % interval", "Difference to the first model"),
    *("95 % interval", "Outputs compared with the first model"),
]


def evaluation(report: Report) -> Iterable[Markup]:
    if report.scores:
        yield table("Scores", HEADS, [_score(score) for score in report.scores])
        return
    yield tag(
        "p",
        "This report has no scores. ",
        tag("code", "loewner eval MODEL OUT --task T --json FILE"),
        " computes them, and ",
        tag("code", "loewner report --eval FILE"),
        " shows them here.",
    )


def _score(score: Score) -> list[Cell]:
    return [
        Cell(readable(score.model)),
        Cell(f"{readable(score.task)} ({score.count:,})"),
        Cell(score.metric),
        number(100 * score.score.value, ".2f"),
        _interval(score.score, "{:.2f}"),
        number(100 * score.difference.value if score.difference else None, "+.2f"),
        _interval(score.difference, "{:+.2f}"),
        Cell(f"{score.fidelity} {score.fidelity_mean:.4f}" if score.fidelity else "\u2013"),
    ]


def _interval(value: Range | None, form: str) -> Cell:
    if value is None:
        return Cell("\u2013")
    return Cell(f"{form.format(100 * value.low)} \u2026 {form.format(100 * value.high)}")
