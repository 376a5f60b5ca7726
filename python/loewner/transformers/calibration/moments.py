# SPDX-License-Identifier: Apache-2.0
"""Second moments of the inputs of a layer, in two halves of the sequences: one fits, the other chooses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from loewner.transformers.calibration.lockstep import Forward, Stop

HALVES = 2
ENOUGH_TOKENS = 4  # for each input
_BLOCK = 256


class Moments:
    """Sums over tokens of xhat xhat^T and x xhat^T, d x d in float64.

    x are the inputs of the original model, xhat those of the partly coded one.
    """

    def __init__(self, coded: Sequence[Tensor], original: Sequence[Tensor] | None, sizes: Sequence[int]) -> None:
        """One tensor for each batch, with the inputs in the last dimension; `sizes`: the sequences of each batch.

        Without `original` both are the same.
        """
        width = coded[0].shape[-1]
        self._tokens = [0] * HALVES
        self._second = torch.zeros(HALVES, width, width, dtype=torch.float64)
        self._cross = None if original is None else torch.zeros_like(self._second)
        for number, size in enumerate(sizes):
            halves = _halves(coded[number], size)
            for half, xhat in enumerate(halves):
                self._tokens[half] += len(xhat)
                add_gram(self._second[half], xhat)
            if original is not None and self._cross is not None:
                for half, x in enumerate(_halves(original[number], size)):
                    self._cross[half] += x.T @ halves[half]
        for half in range(HALVES):
            self._second[half] += self._second[half].tril(-1).T

    @property
    def tokens(self) -> int:
        return sum(self._tokens)

    def second(self, half: int | None = None) -> Tensor:
        """The mean of xhat xhat^T over one half, or over both."""
        return self._mean(self._second, half)

    def robust(self, others: Tensor | None = None) -> Tensor:
        """robust() of the mean over both halves."""
        return robust(self.second(), self.tokens, others)

    def cross(self, half: int | None = None) -> Tensor:
        """The mean of x xhat^T over one half, or over both."""
        return self._mean(self._second if self._cross is None else self._cross, half)

    def robust_cross(self) -> Tensor:
        """cross(), drawn as far towards the same multiple of I as robust(): without drift both are equal, and the
        layer's weight needs no correction."""
        share = shrinkage(self._second.shape[-1], self.tokens)
        return self.robust() + (1 - share) * (self.cross() - self.second())

    def _mean(self, sums: Tensor, half: int | None) -> Tensor:
        if half is None:
            return sums.sum(0) / max(1, self.tokens)
        return sums[half] / max(1, self._tokens[half])


class MomentsAtStops:
    """The moments of one layer after the other. Layers with the same inputs, as query, key and value, share them."""

    def __init__(self) -> None:
        self._inputs: list[Tensor | None] = []
        self._moments: Moments | None = None
        self.owner = ""  # the first layer with these inputs

    def at(self, stop: Stop, side_by_side: bool) -> Moments:
        """side_by_side: with the original's inputs beside those of the coded model."""
        coded = stop.fitting(coded=side_by_side)
        inputs = [forward.inputs for forward in coded]
        if self._moments is None or len(inputs) != len(self._inputs) or any(map(_differ, inputs, self._inputs)):
            original = stop.fitting(coded=False)
            paired = side_by_side and _shapes(original) == _shapes(coded)  # experts may get other tokens
            self._inputs, self.owner = inputs, stop.layer
            self._moments = None  # before the memory of the next is taken
            self._moments = self._of(
                _present(coded), _present(original) if paired else None, [forward.size for forward in coded]
            )
        return self._moments

    def _of(self, coded: Sequence[Tensor], original: Sequence[Tensor] | None, sizes: Sequence[int]) -> Moments:
        return Moments(coded, original, sizes)


def robust(second: Tensor, tokens: int, others: Tensor | None = None) -> Tensor:
    """H, drawn towards a multiple of I if it comes from few tokens for its size, where most of it is chance.

    others: moments of more tokens, which take the place of I.
    """
    share = shrinkage(len(second), tokens)
    if share == 0:
        return second
    if others is not None:
        return (1 - share) * second + share * others
    result = (1 - share) * second
    result.diagonal().add_(share * second.diagonal().mean())
    return result


def shrinkage(width: int, tokens: int) -> float:
    """The share by which a second moment of so many tokens is drawn towards a multiple of I."""
    return 0.0 if tokens >= ENOUGH_TOKENS * width else width / (width + tokens)


def _differ(a: Tensor | None, b: Tensor | None) -> bool:
    return a is not b


def _present(forwards: Sequence[Forward]) -> list[Tensor]:
    return [forward.inputs for forward in forwards if forward.inputs is not None]


def _shapes(forwards: Sequence[Forward]) -> list[torch.Size]:
    return [inputs.shape for inputs in _present(forwards)]


def add_gram(sums: Tensor, x: Tensor) -> None:
    """Adds the lower triangle of x^T x; blocks on the diagonal are whole."""
    for start in range(0, x.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        product = x[:, start:].T @ x[:, block]
        product[: product.shape[1]] = product[: product.shape[1]].tril()
        sums[start:, block] += product


def _halves(batch: Tensor, size: int) -> list[Tensor]:
    """Every other sequence; a batch without a dimension of sequences is cut by rows."""
    width = batch.shape[-1]
    rows = batch.reshape(-1, width).float()
    if len(rows) % size == 0:
        by_sequence = rows.reshape(size, -1, width)
        return [by_sequence[half::HALVES].reshape(-1, width) for half in range(HALVES)]
    return [rows[half::HALVES] for half in range(HALVES)]
