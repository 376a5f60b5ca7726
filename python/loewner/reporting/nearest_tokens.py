# SPDX-License-Identifier: Apache-2.0
"""Describes directions in the row space of a token table by the tokens with the nearest rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbor:
    """A token and the cosine of its row to the direction."""

    token: str
    cosine: float


def nearest_tokens(
    directions: NDArray[np.floating], blocks: Iterable[Matrix], names: Sequence[str], count: int = 5
) -> list[list[Neighbor]]:
    """For each direction the tokens with the largest cosines, in decreasing order. Ties go to the smaller id.

    Parameters
    ----------
    directions : ndarray of shape (k, d)
        The directions; their length does not matter.
    blocks : iterable of ndarray
        Blocks of consecutive rows of the table, together n x d.
    names : sequence of str
        The names of the n tokens.
    count : int, default 5
        Tokens for each direction.

    Returns
    -------
    list of list of Neighbor
        One list for each direction.

    Notes
    -----
    The cost is 2 n k d flops; memory holds the cosines of one block.
    """
    unit = _unit(directions)
    best = np.full((len(unit), 0), 0.0)
    ids = np.full((len(unit), 0), 0)
    first = 0
    for block in blocks:
        cosines = unit @ _unit(block).T
        best = np.concatenate([best, cosines], axis=1)
        ids = np.concatenate([ids, np.broadcast_to(np.arange(first, first + len(block)), cosines.shape)], axis=1)
        kept = np.argsort(-best, axis=1, kind="stable")[:, :count]
        best, ids = np.take_along_axis(best, kept, 1), np.take_along_axis(ids, kept, 1)
        first += len(block)
    return [
        [Neighbor(names[i], float(cosine)) for i, cosine in zip(row, values, strict=True)]
        for row, values in zip(ids, best, strict=True)
    ]


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0), np.float64)
