# SPDX-License-Identifier: Apache-2.0
"""Counts of tokens in a text, which weigh the rows of token embeddings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from loewner._files import replace_file
from loewner.static_embedding import StaticModel, is_static_model

LINES_AT_ONCE = 4096


def save_token_counts(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    text: str | os.PathLike[str],
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Writes the counts of a model's tokens in a text, one line id<TAB>count for each; returns what a report says."""
    counter, path = TokenCounter(model), Path(text)
    size, read = path.stat().st_size, 0
    with path.open(encoding="utf-8") as file:
        for lines in _batches(file):
            counter.add(lines)
            read += sum(len(line.encode()) for line in lines)
            if progress:
                progress("counting tokens", min(1.0, read / size))
    counts = counter.counts
    if counts.sum() == 0:
        raise ValueError("calibrate: expected a text with at least one line that is not empty")
    named = np.flatnonzero(counts)
    replace_file(Path(output), "".join(f"{i}\t{counts[i]}\n" for i in named).encode())
    return {"tokens": int(counts.sum()), "distinct": len(named), "vocabulary": len(counts)}


class TokenCounter:
    """How often each token of a model occurs in some lines."""

    def __init__(self, model: str | os.PathLike[str]) -> None:
        if is_static_model(model):
            static = StaticModel(model)
            self._split, size = static.tokenize, static.tokenizer.get_vocab_size()
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(model)
            self._split, size = partial(_split, tokenizer), len(tokenizer)
        self.counts = np.zeros(size, np.int64)

    def add(self, lines: list[str]) -> None:
        for ids in self._split(lines):
            self.counts += np.bincount(ids, minlength=len(self.counts)).astype(np.int64)


def _split(tokenizer: Any, lines: list[str]) -> list[list[int]]:
    found: list[list[int]] = tokenizer(lines, truncation=False, verbose=False)["input_ids"]
    return found


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = (line for line in lines if line.strip())
    while batch := list(islice(rest, LINES_AT_ONCE)):
        yield batch
