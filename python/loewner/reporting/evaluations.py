# SPDX-License-Identifier: Apache-2.0
"""Reads files written by `loewner eval --json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loewner._core import IoError


@dataclass(frozen=True)
class Range:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """One metric of one model on one task. Difference and fidelity compare with the first model; None for itself."""

    model: str
    task: str
    count: int
    metric: str
    score: Range
    difference: Range | None
    fidelity: str | None  # the measure, such as "cosine"
    fidelity_mean: float | None


def read_scores(file: Path) -> list[Score]:
    """The scores of a file. Raises IoError if `loewner eval --json` did not write it (docs/report.md)."""
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return [score for entry in entries for score in _scores(entry)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IoError(
            f"{file}: must be a file written by `loewner eval --json` ({type(error).__name__}: {error})"
        ) from None


def _scores(entry: dict[str, Any]) -> list[Score]:
    differences, fidelity = entry["differences"] or {}, entry["fidelity"]
    return [
        Score(
            model=Path(str(entry["model"])).name,
            task=str(entry["task"]),
            count=int(entry["count"]),
            metric=str(metric),
            score=_range(value),
            difference=_range(differences[metric]) if metric in differences else None,
            fidelity=str(fidelity["measure"]) if fidelity else None,
            fidelity_mean=float(fidelity["mean"]) if fidelity else None,
        )
        for metric, value in entry["scores"].items()
    ]


def _range(value: dict[str, Any]) -> Range:
    return Range(float(value["value"]), float(value["low"]), float(value["high"]))
