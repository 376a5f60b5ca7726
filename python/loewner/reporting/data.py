# SPDX-License-Identifier: Apache-2.0
"""What a report says, as plain data: of an output alone, and held against its original."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loewner._core import Offer, TensorRows, TensorStudy, Vocabulary, claimed_report, read_vocabulary, study_tensor
from loewner.reporting.archetypes import Neighbour, nearest_tokens
from loewner.reporting.evaluations import Score, read_scores
from loewner.reporting.row_errors import RowErrors, row_errors, token_names

MOST_POINTS = 40  # of a curve; its points are still told apart
BLOCK_ENTRIES = 1 << 22
CLAIM_TOLERANCE = (1e-7, 1e-4)  # absolute and relative: what `loewner verify` grants
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Sizes:
    """Bytes of files; those before are None without the original."""

    weights_before: int | None
    weights_after: int
    folder_before: int | None
    folder_after: int


@dataclass(frozen=True)
class RankError:
    """||A - A_k||_F / ||A||_F, and the share of direction k itself; that is None where the curve is estimated."""

    rank: int
    left: float
    direction: float | None


@dataclass(frozen=True)
class Point:
    """A way to store a matrix: bytes of its arrays and the relative weighted error that it leaves, predicted."""

    bytes: int
    error: float
    rank: int | None
    bits: float | None


@dataclass(frozen=True)
class Study:
    """A tensor held against its original. Errors are measured anew, from the files."""

    array_bytes: int  # without metadata, as offers count
    relative_error: float
    weighted_relative_error: float | None  # None where the row weights are not at hand
    claims_hold: bool  # of these two errors
    spectrum: Sequence[RankError]
    spectrum_exact: bool
    offers: Mapping[str, Sequence[Point]]  # by method, from few bytes to many
    rows: RowErrors
    notes: Sequence[str]


@dataclass(frozen=True)
class Tensor:
    """One encoded tensor: its fields of docs/report.md, and what was found out besides."""

    name: str
    role: str
    rows: int
    cols: int
    method: str
    structure: str
    refitted: str | None  # the factor that `loewner refit` fitted anew
    rank: int | None
    subspaces: int | None
    bits_per_weight: float  # of all its bytes
    row_weights: str
    bytes_before: int | None
    bytes_after: int
    relative_error: float
    weighted_relative_error: float
    norm_exponent: float
    lp_error: float
    lp_error_svd: float | None
    certificate: float | None
    archetypes: Sequence[Sequence[Neighbour]]  # the nearest tokens of each; of structure `archetypes` of a token table
    study: Study | None


@dataclass(frozen=True)
class Report:
    """Names are the last parts of paths: a page must not tell the folders of a machine."""

    output: str
    model: str | None
    producer: str
    command: str | None  # from the model card
    sizes: Sizes
    tensors: Sequence[Tensor]
    scores: Sequence[Score]


def gather(
    output: Path,
    model: Path | None = None,
    *,
    evaluations: Sequence[Path] = (),
    pattern: str = "",
    progress: Progress | None = None,
) -> Report:
    """Reads an output, and with `model` holds those of its tensors that the pattern finds against their originals.

    Cost    without `model` headers and configuration only; with it some passes over both models and the planning of
            `loewner compress --all`; memory as that takes, and some numbers a row.
    Errors  IoError on files; ValueError on a pattern that is no regular expression.
    """
    wanted = _compiled(pattern)
    claimed = claimed_report(output, model)
    config = _quantization_config(output)
    vocabulary = read_vocabulary(model or output)
    tensors = []
    for number, claim in enumerate(claimed["tensors"]):
        if progress:
            progress(claim["name"], number / len(claimed["tensors"]))
        found = _study(output, model, claim, vocabulary) if model and wanted.search(claim["name"]) else None
        refit = config["tensors"][claim["name"]].get("refit")
        factor = str(refit.get("factor")) if isinstance(refit, dict) else None
        tensors.append(_tensor(claim, factor, _archetypes(output, claim, vocabulary), found))
    return Report(
        output=_name(output),
        model=_name(model) if model else None,
        producer=str(config.get("producer", "loewner")),
        command=_command(output),
        sizes=_sizes(claimed["totals"]),
        tensors=tensors,
        scores=[score for file in evaluations for score in read_scores(file)],
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None


def _name(folder: Path) -> str:
    return os.path.basename(os.path.abspath(folder))


def _quantization_config(output: Path) -> dict[str, Any]:
    """Of a folder that was opened before: the core has checked it."""
    config = json.loads((output / "config.json").read_text(encoding="utf-8"))
    return dict(config["quantization_config"])


def _command(output: Path) -> str | None:
    """The model card that `compress` writes shows it as its first line of code."""
    card = output / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"^ {4}(loewner compress .*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None


def _sizes(totals: Mapping[str, int]) -> Sizes:
    return Sizes(
        totals["weights_bytes_before"] or None,
        totals["weights_bytes_after"],
        totals["folder_bytes_before"] or None,
        totals["folder_bytes_after"],
    )


_AS_CLAIMED = (
    *("name", "role", "method", "structure", "rank", "subspaces", "row_weights", "bytes_after", "relative_error"),
    *("weighted_relative_error", "norm_exponent", "lp_error", "lp_error_svd", "certificate"),
)


def _tensor(
    claim: Mapping[str, Any],
    refitted: str | None,
    archetypes: Sequence[Sequence[Neighbour]],
    found: Study | None,
) -> Tensor:
    rows, cols = claim["shape"]
    return Tensor(
        **{field: claim[field] for field in _AS_CLAIMED},
        rows=rows,
        cols=cols,
        bits_per_weight=8 * claim["bytes_after"] / (rows * cols),
        bytes_before=claim["bytes_before"] or None,
        refitted=refitted,
        archetypes=archetypes,
        study=found,
    )


def _study(output: Path, model: Path, claim: Mapping[str, Any], vocabulary: Vocabulary | None) -> Study:
    found = study_tensor(output, model, claim["name"])
    weights = found.row_weights if found.row_weights.size else None
    relative = _relative_error(found, None)
    weighted = None if found.notes else _relative_error(found, weights)
    holds = _agrees(claim["relative_error"], relative)
    holds &= weighted is None or _agrees(claim["weighted_relative_error"], weighted)
    return Study(
        array_bytes=found.array_bytes,
        relative_error=relative,
        weighted_relative_error=weighted,
        claims_hold=holds,
        spectrum=_spectrum(found),
        spectrum_exact=found.rank_error_exact,
        offers=_offers(found.offers),
        rows=row_errors(found.squared_error, found.squared_norm, found.frequency, vocabulary),
        notes=list(found.notes),
    )


def _relative_error(study: TensorStudy, weights: np.ndarray | None) -> float:
    error, norm = (np.average(x, weights=weights) for x in (study.squared_error, study.squared_norm))
    return float(np.sqrt(error / norm)) if norm > 0 else float(error > 0)


def _agrees(claimed: float, found: float) -> bool:
    absolute, relative = CLAIM_TOLERANCE
    return abs(claimed - found) <= absolute + relative * abs(claimed)


def _spectrum(study: TensorStudy) -> list[RankError]:
    """Some ranks from 0 to the last."""
    left = study.rank_error
    ranks = np.unique(np.round(np.linspace(0, len(left) - 1, MOST_POINTS + 1)).astype(int))
    return [RankError(int(k), float(left[k]), _direction(study, int(k))) for k in ranks]


def _direction(study: TensorStudy, rank: int) -> float | None:
    """sigma_k / ||A||_F, for what is left without it loses its square."""
    if not study.rank_error_exact or rank == 0:
        return None
    before, after = study.rank_error[rank - 1 : rank + 1]
    return float(np.sqrt(max(0.0, before**2 - after**2)))


def _offers(offers: Sequence[Offer]) -> dict[str, list[Point]]:
    """Of each method the offers that none of its own beats, and of many some."""
    by_method: dict[str, list[Point]] = {}
    for offer in sorted(offers, key=lambda o: (o.bytes, o.error)):
        points = by_method.setdefault(offer.method, [])
        if not points or offer.error < points[-1].error:
            points.append(Point(offer.bytes, offer.error, offer.rank, offer.bits))
    return {method: _thinned(points) for method, points in by_method.items()}


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Evenly spread along the curve as it is drawn, with logarithmic axes."""
    place = np.log([(point.bytes, max(point.error, 1e-12)) for point in points])
    steps = np.abs(np.diff(place, axis=0)) / np.maximum(np.ptp(place, axis=0), 1e-12)
    along = np.append(0.0, np.cumsum(steps.sum(axis=1)))
    chosen = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS) - 1e-12))
    return [points[i] for i in chosen]


def _archetypes(output: Path, claim: Mapping[str, Any], vocabulary: Vocabulary | None) -> list[list[Neighbour]]:
    if claim["structure"] != "archetypes" or claim["role"] != "token_embedding":
        return []
    vertices = TensorRows(output, claim["name"].removesuffix("weight") + "archetypes")
    table = TensorRows(output, claim["name"])
    names = token_names(vocabulary, table.shape[0])
    return nearest_tokens(vertices.read(0, vertices.shape[0]), _blocks(table), names)


def _blocks(table: TensorRows) -> Iterator[np.ndarray]:
    rows, cols = table.shape
    step = max(1, BLOCK_ENTRIES // cols)
    for first in range(0, rows, step):
        yield table.read(first, min(step, rows - first))
