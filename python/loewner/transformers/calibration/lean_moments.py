# SPDX-License-Identifier: Apache-2.0
"""Second moments that take little memory: of layers with many inputs only H is kept."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from loewner.transformers.calibration.memory import release_free_memory
from loewner.transformers.calibration.moments import Moments, MomentsAtStops, add_gram, shrinkage

_BLOCK = 256


class WideMoments(Moments):
    """The mean of xhat xhat^T over all tokens, drawn towards a multiple of I as by robust(), in float32."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        width = inputs[0].shape[-1]
        self._total = 0
        sums = torch.zeros(width, width, dtype=torch.float64)
        for batch in inputs:
            rows = batch.reshape(-1, width).float()
            self._total += len(rows)
            add_gram(sums, rows)
        share = shrinkage(width, self._total)
        sums *= (1 - share) / max(1, self._total)
        sums.diagonal().add_(share / (1 - share) * sums.diagonal().mean())
        self._mean_square = sums.float()
        del sums
        for start in range(0, width, _BLOCK):
            block = slice(start, start + _BLOCK)
            self._mean_square[block, start + _BLOCK :] = self._mean_square[start + _BLOCK :, block].T
            corner = self._mean_square[block, block]
            corner += corner.tril(-1).T

    @property
    def tokens(self) -> int:
        return self._total

    def second(self, half: int | None = None) -> Tensor:
        return self._mean_square

    def robust(self, others: Tensor | None = None) -> Tensor:
        return self._mean_square

    def cross(self, half: int | None = None) -> Tensor:
        return self._mean_square

    def robust_cross(self) -> Tensor:
        return self._mean_square


class LeanMomentsAtStops(MomentsAtStops):
    """MomentsAtStops with WideMoments for layers of many inputs."""

    def __init__(self, widest: int) -> None:
        """widest: the most inputs of a layer with other moments."""
        super().__init__()
        self._widest = widest

    def _of(self, coded: Sequence[Tensor], original: Sequence[Tensor] | None, sizes: Sequence[int]) -> Moments:
        release_free_memory()
        if coded[0].shape[-1] > self._widest:
            return WideMoments(coded)
        return super()._of(coded, original, sizes)
