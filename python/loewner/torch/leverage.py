# SPDX-License-Identifier: Apache-2.0
"""Leverage scores of keys, batched over heads, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

RANK_LIMIT = 1e-12  # eigenvalues of the Gram matrix below this fraction of the largest count as 0


def key_gram(keys: Tensor) -> Tensor:
    """K^T K in float64. keys: ... x n x d; result: ... x d x d."""
    wide = keys.double()
    return wide.transpose(-1, -2) @ wide


@torch.no_grad()
def key_leverages(keys: Tensor, gram: Tensor | None = None) -> Tensor:
    """k^T G^+ k for every key, the largest weight <q, k>^2 / q^T G q that any query gives it.

    keys: ... x n x d; gram: ... x d x d, of these keys if None, else of all keys that count; result: ... x n, float64.
    The same numbers as loewner.attention.select_heavy_keys, up to rounding. No gradient flows through them.
    """
    gram = key_gram(keys) if gram is None else gram
    scales = gram.diagonal(dim1=-2, dim2=-1).sqrt()
    scales = torch.where(scales > 0, 1 / scales, torch.zeros_like(scales))  # columns of any size count alike
    values, vectors = torch.linalg.eigh(scales.unsqueeze(-1) * gram * scales.unsqueeze(-2))
    usable = values > RANK_LIMIT * values[..., -1:].clamp_min(0)
    roots = torch.where(usable & (values > 0), values, torch.inf).rsqrt()
    whitened = (keys.double() * scales.unsqueeze(-2)) @ (vectors * roots.unsqueeze(-2))
    leverages: Tensor = whitened.square().sum(-1)
    return leverages
