# SPDX-License-Identifier: Apache-2.0
"""Attention over the keys of the highest leverage."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from loewner.torch.leverage import key_gram, key_leverages


class _Chosen(NamedTuple):
    keys: Tensor  # ... x m x d
    values: Tensor  # ... x m x d_v
    valid: Tensor  # ... x m; some rows of a batch choose fewer


class LevAttention(nn.Module):
    """Attention over the keys of the highest leverage.

    Takes the place of torch.nn.functional.scaled_dot_product_attention.

    Parameters
    ----------
    max_keys : int, optional
        Number of kept keys. Exactly one of `max_keys` and `eps`.
    eps : float, optional
        Leverage, in (0, 1], from which keys are kept.
    power : float or None
        Weights |<q, k>|^p over their sum for all keys, p >= 1. None: softmax of <q, k> / sqrt(d) over the kept keys.
    causal : bool
        A query sees the heavy keys before its chunk, and all keys of its chunk up to its own position. The kept keys
        never depend on later keys.
    chunk : int
        Length of a chunk.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    For p = 2 every weight of at least `eps` belongs to a kept key. For softmax, leverage is a heuristic. Gradients flow
    through the attention, not through the choice of keys.

    Examples
    --------
    >>> import torch
    >>> from loewner.torch import LevAttention
    >>> query, key, value = torch.ones(3, 2, 50, 8)
    >>> LevAttention(max_keys=10)(query, key, value).shape
    torch.Size([2, 50, 8])
    """

    def __init__(
        self,
        *,
        max_keys: int | None = None,
        eps: float | None = None,
        power: float | None = 2.0,
        causal: bool = False,
        chunk: int = 64,
    ) -> None:
        super().__init__()
        if (max_keys is None) == (eps is None):
            raise ValueError("LevAttention: exactly one of max_keys and eps must be given")
        if max_keys is not None and max_keys < 1:
            raise ValueError(f"LevAttention: max_keys must be at least 1, got {max_keys}")
        if eps is not None and not 0 < eps <= 1:
            raise ValueError(f"LevAttention: eps must be in (0, 1], got {eps}")
        if power is not None and power < 1:
            raise ValueError(f"LevAttention: power must be at least 1, got {power}")
        if chunk < 1:
            raise ValueError(f"LevAttention: chunk must be at least 1, got {chunk}")
        self.max_keys, self.eps, self.power, self.causal, self.chunk = max_keys, eps, power, causal, chunk

    def extra_repr(self) -> str:
        kept = f"max_keys={self.max_keys}" if self.max_keys is not None else f"eps={self.eps}"
        return f"{kept}, power={self.power}, causal={self.causal}"

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Compute the attention.

        Parameters
        ----------
        query : Tensor of shape (..., n_q, d)
            The queries; n_q = n if causal.
        key : Tensor of shape (..., n, d)
            The keys.
        value : Tensor of shape (..., n, d_v)
            The values.

        Returns
        -------
        Tensor of shape (..., n_q, d_v)
            The output.
        """
        if not self.causal:
            chosen = self._choose(key, value, key_leverages(key))
            return self._attend(query, chosen, None, key)
        if query.shape[-2] != key.shape[-2]:
            raise ValueError(
                f"LevAttention: causal needs as many queries as keys, got {query.shape[-2]} and {key.shape[-2]}"
            )
        return torch.cat([self._attend_chunk(query, key, value, s) for s in range(0, key.shape[-2], self.chunk)], -2)

    def _attend_chunk(self, query: Tensor, key: Tensor, value: Tensor, start: int) -> Tensor:
        stop = min(start + self.chunk, key.shape[-2])
        before, own = key[..., :start, :], key[..., start:stop, :]
        chosen = self._choose(before, value[..., :start, :], key_leverages(before) if start else key.new_zeros(()))
        later = torch.ones(stop - start, stop - start, dtype=torch.bool, device=key.device).triu(1)
        chosen = _Chosen(
            torch.cat([chosen.keys, own], -2),
            torch.cat([chosen.values, value[..., start:stop, :]], -2),
            torch.cat([chosen.valid, chosen.valid.new_ones(own.shape[:-1])], -1),
        )
        return self._attend(query[..., start:stop, :], chosen, later, key[..., :stop, :])

    def _choose(self, key: Tensor, value: Tensor, scores: Tensor) -> _Chosen:
        n = key.shape[-2]
        if n == 0:
            return _Chosen(key, value, torch.ones(key.shape[:-1], dtype=torch.bool, device=key.device))
        if self.eps is None:
            count = min(self.max_keys or 0, n)
        else:
            count = int((scores >= self.eps * (1 - 1e-9)).sum(-1).max())
        if count == n and self.eps is None:
            return _Chosen(key, value, torch.ones(key.shape[:-1], dtype=torch.bool, device=key.device))
        best, indices = scores.topk(count, dim=-1)
        valid = torch.ones_like(best, dtype=torch.bool) if self.eps is None else best >= self.eps * (1 - 1e-9)

        def picked(rows: Tensor) -> Tensor:
            return rows.gather(-2, indices.unsqueeze(-1).expand(*indices.shape, rows.shape[-1]))

        return _Chosen(picked(key), picked(value), valid)

    def _attend(self, query: Tensor, chosen: _Chosen, later: Tensor | None, seen: Tensor) -> Tensor:
        """later: mask of the last keys that a query of the chunk must not see; seen: keys of the denominators."""
        hidden = ~chosen.valid.unsqueeze(-2).expand(*query.shape[:-1], chosen.valid.shape[-1])
        if later is not None:
            hidden = hidden.clone()
            hidden[..., -later.shape[-1] :] |= later
        products = query @ chosen.keys.transpose(-1, -2)
        if self.power is None:
            scores = (products * query.shape[-1] ** -0.5).masked_fill(hidden, -torch.inf)
            attended: Tensor = scores.softmax(-1) @ chosen.values
            return attended
        sums = self._powers(products).masked_fill(hidden, 0) @ chosen.values
        total = self._total(query, seen, later)
        return sums / torch.where(total > 0, total, torch.ones_like(total)).unsqueeze(-1)

    def _powers(self, products: Tensor) -> Tensor:
        """|x|^p; even p need no absolute value, whose gradient would cost as much as the product itself."""
        assert self.power is not None
        return products.pow(self.power) if self.power % 2 == 0 else products.abs().pow(self.power)

    def _total(self, query: Tensor, seen: Tensor, later: Tensor | None) -> Tensor:
        """sum of |<q, k>|^p over all keys that a query may see; for p = 2 from the Gram matrix of those before."""
        assert self.power is not None
        own = 0 if later is None else later.shape[-1]
        before = seen[..., : seen.shape[-2] - own, :]
        if self.power == 2:
            gram = key_gram(before).to(query.dtype)
            total = ((query @ gram) * query).sum(-1)
        else:
            total = self._powers(query @ before.transpose(-1, -2)).sum(-1)
        if later is None:
            return total
        products = query @ seen[..., seen.shape[-2] - own :, :].transpose(-1, -2)
        return total + self._powers(products).masked_fill(later, 0).sum(-1)
