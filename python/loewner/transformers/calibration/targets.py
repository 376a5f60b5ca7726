# SPDX-License-Identifier: Apache-2.0
"""The weight that corrects for the errors of the layers before.

Those errors turn the inputs x of a layer into xhat. The weight W* = W (C + lambda I) (H + lambda I)^-1 gives
the outputs W x best, with H = mean xhat xhat^T and C = mean x xhat^T. On tokens that did not fit it,
a part of the way is best: W + a (W* - W). Its mean squared error on other tokens is a parabola in a, so their moments
give the best a.
"""

from __future__ import annotations

import torch
from torch import Tensor

from loewner.transformers.calibration.moments import Moments

DAMPING = 0.01  # lambda over the mean diagonal of H, as the encoder has it
ENOUGH_TOKENS = 4  # for each input


def damped(second: Tensor) -> Tensor:
    """H + lambda I. Inputs that are always zero, as those of no token, leave I."""
    mean = float(second.diagonal().mean())
    return second + (DAMPING * mean if mean > 0 else 1.0) * torch.eye(len(second), dtype=second.dtype)


def robust(second: Tensor, tokens: int) -> Tensor:
    """H, drawn towards a multiple of I if it comes from few tokens for its size, where most of it is chance."""
    width = len(second)
    if tokens >= ENOUGH_TOKENS * width:
        return second
    share = width / (width + tokens)
    return (1 - share) * second + share * second.diagonal().mean() * torch.eye(width, dtype=second.dtype)


def best_correction(weight: Tensor, moments: Moments) -> float:
    """The share a in [0, 1]: W* of one half of the sequences, the parabola of the other; the mean of both orders.

    weight: outputs x inputs.
    """
    return sum(_correction(weight.double(), moments, fit, 1 - fit) for fit in (0, 1)) / 2


def _correction(weight: Tensor, moments: Moments, fit: int, choose: int) -> float:
    second, cross = moments.second(fit), moments.cross(fit)
    # W* - W = W (C - H) (H + lambda I)^-1
    step = torch.linalg.solve(damped(second), (weight @ (cross - second)).T).T
    second, cross = moments.second(choose), moments.cross(choose)
    slope = ((step @ (second - cross.T)) * weight).sum()
    curvature = ((step @ second) * step).sum()
    if not curvature > 0:
        return 0.0
    return float((-slope / curvature).clamp(0, 1))
