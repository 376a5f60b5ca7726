# SPDX-License-Identifier: Apache-2.0
"""Batches of token sequences of one length, so that no position is padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

MOST_TOKENS = 4096  # of a batch
SHORTEST_SHARE = 0.85  # of the longest sequence of a batch, to which all are cut


def equal_length_batches(sequences: Iterable[Sequence[int]], keep_last: bool) -> list[Tensor]:
    """Sorts sequences by length and cuts those of similar length to the same one: batch x length in each result.

    keep_last: the last token ends every sequence, such as [SEP]; what is cut off are the tokens before it.
    """
    ordered = sorted((list(sequence) for sequence in sequences if len(sequence) > 0), key=len, reverse=True)
    batches: list[Tensor] = []
    start = 0
    while start < len(ordered):
        longest = len(ordered[start])
        end = start
        while end < len(ordered) and len(ordered[end]) >= SHORTEST_SHARE * longest:
            if (end - start + 1) * longest > MOST_TOKENS and end > start:
                break
            end += 1
        length = len(ordered[end - 1])
        batches.append(torch.tensor([_cut(sequence, length, keep_last) for sequence in ordered[start:end]]))
        start = end
    return batches


def _cut(sequence: list[int], length: int, keep_last: bool) -> list[int]:
    if not keep_last or len(sequence) == length:
        return sequence[:length]
    return [*sequence[: length - 1], sequence[-1]]
