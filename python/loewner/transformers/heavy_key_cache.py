# SPDX-License-Identifier: Apache-2.0
"""A key-value cache of constant size: first keys, recent keys and keys of high leverage."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from loewner.torch.leverage import key_gram, key_leverages


class HeavyKeyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """The cache of one layer: at most `budget` keys for each head, chosen by their leverage among all keys seen.

    The leverage of a key never grows while keys arrive. A dropped key would therefore not be chosen later: the choice
    is the same as with the whole sequence at hand. It needs one d x d Gram matrix for each head
    [KannanBhattacharyyaKachamWoodruff2025].
    """

    is_croppable = False

    def __init__(self, budget: int, sinks: int, recents: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.budget, self.sinks, self.recents = budget, sinks, recents
        self.cumulative_length = 0
        self.gram: Tensor | None = None  # batch x heads x d x d, of all keys seen
        self.positions: Tensor | None = None  # batch x heads x kept, ascending

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keys and values for this step: kept ones and new ones. Afterwards the cache is reduced to its budget."""
        batch, heads, count, _ = key_states.shape
        arrived = torch.arange(self.cumulative_length, self.cumulative_length + count, device=key_states.device)
        arrived = arrived.expand(batch, heads, count)
        gram = key_gram(key_states)
        self.gram = gram if self.gram is None else self.gram + gram
        self.positions = arrived if self.positions is None else torch.cat([self.positions, arrived], -1)
        self.cumulative_length += count
        keys, values = super().update(key_states, value_states)
        if keys.shape[-2] > self.budget:
            self._evict(keys, values)
        return keys, values

    def _evict(self, keys: Tensor, values: Tensor) -> None:
        assert self.positions is not None
        scores = key_leverages(keys, self.gram)
        protected = self.positions < self.sinks
        protected |= self.positions >= self.cumulative_length - self.recents
        kept = scores.masked_fill(protected, torch.inf).topk(self.budget, -1).indices.sort(-1).values

        def picked(rows: Tensor) -> Tensor:
            return rows.gather(-2, kept.unsqueeze(-1).expand(*kept.shape, rows.shape[-1]))

        self.keys, self.values = picked(keys), picked(values)
        self.positions = self.positions.gather(-1, kept)

    def get_seq_length(self) -> int:
        """Number of tokens seen, kept or not: the position of the next token."""
        return self.cumulative_length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Kept keys get the positions right before the new ones, so every query may attend to all of them."""
        kept = 0 if self.keys is None or self.keys.numel() == 0 else self.keys.shape[-2]
        return kept + query_length, self.cumulative_length - kept

    def crop(self, tokens_to_remove: int) -> None:
        if tokens_to_remove != 0:
            raise ValueError("HeavyKeyCache: crop is not supported, because dropped keys are lost")

    def reset(self) -> None:
        super().reset()
        self.gram = self.positions = None

    def _for_state(self, change: Any) -> None:
        if self.gram is not None and self.positions is not None:
            self.gram, self.positions = change(self.gram), change(self.positions)

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        super().reorder_cache(beam_idx)
        self._for_state(lambda state: state.index_select(0, beam_idx.to(state.device)))

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        self._for_state(lambda state: state.repeat_interleave(repeats, dim=0))

    def batch_select_indices(self, indices: Tensor) -> None:
        super().batch_select_indices(indices)
        self._for_state(lambda state: state[indices, ...])


class HeavyKeyCache(Cache):
    """Key-value cache with at most `budget` keys and values for each head and layer.

    Parameters
    ----------
    budget : int
        Keys to keep.
    sinks : int, default 4
        First keys of the sequence, which are always kept.
    recents : int, optional
        Most recent keys, which are always kept. The default is half of the budget.

    Raises
    ------
    ValueError
        If sinks < 0, recents < 1, or sinks + recents > budget.

    Notes
    -----
    The remaining keys are those of highest leverage. For |<q, k>|^2 attention this choice is certified; for softmax
    attention it is a heuristic (docs/library/results-library.md compares it with other choices).

    Keys are kept as they were cached: rotated to their own positions if the model rotates keys. Up to `budget` tokens
    the output is that of DynamicCache. All sequences of a batch must have the same length, because padding would be
    kept like text.

    Examples
    --------
    >>> cache = HeavyKeyCache(512)  # doctest: +SKIP
    >>> model.generate(ids, past_key_values=cache, max_new_tokens=100)  # doctest: +SKIP
    """

    def __init__(self, budget: int, *, sinks: int = 4, recents: int | None = None) -> None:
        recents = budget // 2 if recents is None else recents
        if sinks < 0 or recents < 1 or sinks + recents > budget:
            raise ValueError(
                f"HeavyKeyCache: sinks >= 0 and recents >= 1 must fit in the budget, got {sinks} + {recents} "
                f"of {budget}"
            )
        super().__init__(layer_class_to_replicate=partial(HeavyKeyLayer, budget, sinks, recents))  # type: ignore[arg-type]
