# SPDX-License-Identifier: Apache-2.0
"""Leverage scores of keys, batched over heads, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

RANK_LIMIT = 1e-12  # eigenvalues of the Gram matrix below this fraction of the largest are taken as 0


def key_gram(keys: Tensor) -> Tensor:
    """Compute K^T K in float64 for keys of shape (..., n, d)."""
    wide = keys.double()
    return wide.transpose(-1, -2) @ wide


@torch.no_grad()
def key_leverages(keys: Tensor, gram: Tensor | None = None) -> Tensor:
    """Compute the leverage k^T G^+ k of each key: the largest weight <q, k>^2 / q^T G q for any query q.

    Parameters
    ----------
    keys : Tensor of shape (..., n, d)
        The keys.
    gram : Tensor of shape (..., d, d), optional
        Gram matrix G of all keys; that of `keys` if None.

    Returns
    -------
    Tensor of shape (..., n), float64
        The leverages, without gradients.

    Notes
    -----
    The scores of `loewner.attention.select_heavy_keys` up to rounding.

    Examples
    --------
    >>> import torch
    >>> from loewner.torch import key_leverages
    >>> key_leverages(torch.eye(3)[[0, 1, 1]]).round(decimals=3)
    tensor([1.0000, 0.5000, 0.5000], dtype=torch.float64)
    """
    gram = key_gram(keys) if gram is None else gram
    scales = gram.diagonal(dim1=-2, dim2=-1).sqrt()
    scales = torch.where(scales > 0, 1 / scales, torch.zeros_like(scales))  # independent of the scale of columns
    values, vectors = torch.linalg.eigh(scales.unsqueeze(-1) * gram * scales.unsqueeze(-2))
    usable = values > RANK_LIMIT * values[..., -1:].clamp_min(0)
    roots = torch.where(usable & (values > 0), values, torch.inf).rsqrt()
    whitened = (keys.double() * scales.unsqueeze(-2)) @ (vectors * roots.unsqueeze(-2))
    leverages: Tensor = whitened.square().sum(-1)
    return leverages
