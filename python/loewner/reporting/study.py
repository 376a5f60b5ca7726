# SPDX-License-Identifier: Apache-2.0
"""Compares one encoded tensor with its original: errors, spectrum, and other possible encodings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loewner._core import Candidate, TensorStudy, Vocabulary, study_tensor
from loewner._reports import TensorReport
from loewner.reporting.data import Point, RankError, Study
from loewner.reporting.row_errors import row_errors

MOST_POINTS = 40  # of a curve, so that a chart still shows them apart
CLAIM_TOLERANCE = (1e-6, 1e-4)  # absolute and relative, as in `loewner verify`


def study(
    output: Path,
    model: Path,
    claim: TensorReport,
    vocabulary: Vocabulary | None,
    notes: Sequence[str] = (),
    row_weights: Path | None = None,
) -> Study:
    """Compare the tensor of which the output claims these errors with its original. `notes` join those of the core."""
    found = study_tensor(output, model, claim.name, row_weights)
    weights = found.row_weights if found.row_weights.size else None
    relative = _relative_error(found, None)
    weighted = None if found.notes else _relative_error(found, weights)
    holds = _agrees(claim.relative_error, relative)
    holds &= weighted is None or _agrees(claim.weighted_relative_error, weighted)
    return Study(
        array_bytes=found.array_bytes,
        relative_error=relative,
        weighted_relative_error=weighted,
        claims_hold=holds,
        spectrum=_spectrum(found),
        spectrum_exact=found.rank_error_exact,
        offers=_best_by_method(found.candidates),
        rows=row_errors(found.squared_error, found.squared_norm, found.frequency, vocabulary),
        notes=[*found.notes, *notes],
    )


def _relative_error(study: TensorStudy, weights: np.ndarray | None) -> float:
    error, norm = (np.average(x, weights=weights) for x in (study.squared_error, study.squared_norm))
    return float(np.sqrt(error / norm)) if norm > 0 else float(error > 0)


def _agrees(claimed: float, found: float) -> bool:
    absolute, relative = CLAIM_TOLERANCE
    return abs(claimed - found) <= absolute + relative * abs(claimed)


def _spectrum(study: TensorStudy) -> list[RankError]:
    """Errors at evenly spaced ranks from 0 to the last."""
    left = study.rank_error
    ranks = np.unique(np.round(np.linspace(0, len(left) - 1, MOST_POINTS + 1)).astype(int))
    return [RankError(int(k), float(left[k]), _singular_value(study, int(k))) for k in ranks]


def _singular_value(study: TensorStudy, rank: int) -> float | None:
    """sigma_k / ||A||_F, from the difference of two squared errors."""
    if not study.rank_error_exact or rank == 0:
        return None
    before, after = study.rank_error[rank - 1 : rank + 1]
    return float(np.sqrt(max(0.0, before**2 - after**2)))


def _best_by_method(candidates: Sequence[Candidate]) -> dict[str, list[Point]]:
    """The candidates of each method that no smaller candidate of the same method beats, at most MOST_POINTS."""
    by_method: dict[str, list[Point]] = {}
    for candidate in sorted(candidates, key=lambda c: (c.bytes, c.error)):
        points = by_method.setdefault(candidate.method, [])
        if not points or candidate.error < points[-1].error:
            points.append(Point(candidate.bytes, candidate.error, candidate.rank, candidate.bits))
    return {method: _thinned(points) for method, points in by_method.items()}


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Evenly spaced points of the curve on logarithmic axes."""
    place = np.log([(point.bytes, max(point.error, 1e-12)) for point in points])
    steps = np.abs(np.diff(place, axis=0)) / np.maximum(np.ptp(place, axis=0), 1e-12)
    along = np.append(0.0, np.cumsum(steps.sum(axis=1)))
    chosen = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS) - 1e-12))
    return [points[i] for i in chosen]
