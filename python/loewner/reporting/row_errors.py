# SPDX-License-Identifier: Apache-2.0
"""Errors of single rows; for a token table also by token frequency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loewner._core import TokenKind, Vocabulary
from loewner.reporting.markup import readable

BANDS, WORST, FREQUENT = 24, 8, 1000
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of the relative errors ||a_i - b_i|| / ||a_i|| of rows."""

    low: float  # 10 %
    median: float
    high: float  # 90 %
    largest: float


@dataclass(frozen=True)
class Band:
    """The tokens of frequency ranks `first` to `last`; the most frequent token has rank 1."""

    first: int
    last: int
    quantiles: Quantiles


@dataclass(frozen=True)
class TokenError:
    """One row of a token table."""

    token: str
    id: int
    rank: int
    relative_error: float


@dataclass(frozen=True)
class RowErrors:
    """Errors of all rows. Bands and tokens are empty unless rows belong to tokens."""

    all: Quantiles
    bands: Sequence[Band]
    worst_frequent: Sequence[TokenError]  # largest errors among the FREQUENT most frequent tokens
    worst: Sequence[TokenError]  # largest errors among all tokens that a text can contain


def token_names(vocabulary: Vocabulary | None, rows: int) -> list[str]:
    """A name for each row: the token, or its id if the tokenizer does not know it."""
    tokens = vocabulary.tokens[:rows] if vocabulary else []
    tokens += [""] * (rows - len(tokens))
    return [readable(token) if token else f"id {i}" for i, token in enumerate(tokens)]


def row_errors(
    squared_error: Vector, squared_norm: Vector, frequency: Vector, vocabulary: Vocabulary | None
) -> RowErrors:
    """Errors of rows. `frequency` is empty unless rows belong to tokens. Zero rows have no relative error."""
    relative = np.sqrt(squared_error / np.where(squared_norm > 0, squared_norm, np.nan))
    if frequency.size == 0:
        return RowErrors(_quantiles(relative), [], [], [])
    order = np.argsort(-frequency, kind="stable")
    names = token_names(vocabulary, len(relative))
    unused = _unused(vocabulary, len(relative))
    ranked = [
        TokenError(names[i], int(i), rank, float(relative[i]))
        for rank, i in enumerate(order, 1)
        if not unused[i] and np.isfinite(relative[i])
    ]
    return RowErrors(
        _quantiles(relative),
        _bands(relative[order]),
        _worst([token for token in ranked if token.rank <= FREQUENT]),
        _worst(ranked),
    )


def _quantiles(relative: Vector) -> Quantiles:
    usable = relative[np.isfinite(relative)]
    if usable.size == 0:
        return Quantiles(0.0, 0.0, 0.0, 0.0)
    return Quantiles(*(float(value) for value in np.quantile(usable, [0.1, 0.5, 0.9, 1.0])))


def _bands(ranked: Vector) -> list[Band]:
    """Bands whose bounds grow by a constant factor, because a few tokens make up most of a text."""
    ends = np.unique(np.round(np.geomspace(1, len(ranked), BANDS + 1)).astype(int))
    bands, first = [], 0
    for last in ends:
        if np.isfinite(ranked[first:last]).any():
            bands.append(Band(first + 1, int(last), _quantiles(ranked[first:last])))
        first = int(last)
    return bands


def _worst(tokens: Sequence[TokenError]) -> list[TokenError]:
    return sorted(tokens, key=lambda token: (-token.relative_error, token.rank))[:WORST]


def _unused(vocabulary: Vocabulary | None, rows: int) -> NDArray[np.bool_]:
    """True for ids that no text contains; False everywhere without a tokenizer."""
    if vocabulary is None:
        return np.zeros(rows, bool)
    unused = np.ones(rows, bool)
    kinds = vocabulary.kinds[:rows]
    unused[: len(kinds)] = [kind == TokenKind.unused for kind in kinds]
    return unused
