# SPDX-License-Identifier: Apache-2.0
"""Names for directions in a token table: the tokens whose rows point nearest to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbour:
    """A token and the cosine of its row to the direction."""

    token: str
    cosine: float


def nearest_tokens(
    vertices: NDArray[np.floating], blocks: Iterable[Matrix], names: Sequence[str], count: int = 5
) -> list[list[Neighbour]]:
    """For each vertex the tokens of largest cosine, the nearest first; of equal ones that of the smaller id.

    Shapes    vertices: k x d; blocks: rows of the table in their order, together n x d; names: n.
    Cost      2 n k d flops; in memory one block's cosines.
    """
    directions = _unit(vertices)
    best = np.full((len(directions), 0), 0.0)
    ids = np.full((len(directions), 0), 0)
    first = 0
    for block in blocks:
        cosines = directions @ _unit(block).T
        best = np.concatenate([best, cosines], axis=1)
        ids = np.concatenate([ids, np.broadcast_to(np.arange(first, first + len(block)), cosines.shape)], axis=1)
        kept = np.argsort(-best, axis=1, kind="stable")[:, :count]
        best, ids = np.take_along_axis(best, kept, 1), np.take_along_axis(ids, kept, 1)
        first += len(block)
    return [
        [Neighbour(names[i], float(cosine)) for i, cosine in zip(row, values, strict=True)]
        for row, values in zip(ids, best, strict=True)
    ]


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0), np.float64)
