# SPDX-License-Identifier: Apache-2.0
"""Calibration inputs of a model: token sequences of a text, or noise for models of images and sound."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loewner import _core
from loewner._texts import has_tokenizer, lines_of, package_text
from loewner.transformers.calibration.batches import TOKENS_OF_BATCH, equal_length_batches

MOST_TOKENS = 32768  # of all batches
MOST_TOKENS_OF_USER = 65536
LONGEST = 256  # tokens of a sequence
LINES_AT_ONCE = 256
DRAWN_TOKENS = 20  # of a random sequence


class NoCalibration(Exception):
    """The model cannot be run on a text; the message says why."""


@dataclass(frozen=True)
class CalibrationText:
    """The lines that calibrate: those of a file before the package's own."""

    name: str  # in reports
    lines: list[str]  # of the file
    fingerprint: str  # a run is resumed only with the same text

    @staticmethod
    def read(path: Path | None) -> CalibrationText:
        """Reads a file; None is the package's text alone."""
        lines = [] if path is None else lines_of(path)
        text = hashlib.sha256("\n".join([*package_text(), *lines]).encode())
        return CalibrationText("package" if path is None else path.name, lines, text.hexdigest())


def tokenizer_of(folder: Path) -> Any:
    """The model's tokenizer."""
    if not has_tokenizer(folder):
        raise NoCalibration("the folder has no tokenizer")
    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        if (folder / "tokenizer.json").exists():
            return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))  # type: ignore[no-untyped-call]
        raise NoCalibration(f"the tokenizer cannot be read: {' '.join(str(error).split())[:200]}") from error


def token_batches(
    folder: Path,
    model: Any,
    lines: list[str],
    most_tokens: int = MOST_TOKENS_OF_USER,
    of_batch: int = TOKENS_OF_BATCH,
    longest: int = LONGEST,
) -> list[Tensor]:
    """Batches of token ids, each batch x length: a random choice of the lines, and of the package's text.

    The package's text is taken alone without `lines`, and fills up if they have few tokens. Batches of several
    sequences have at most `of_batch` tokens, and each sequence at most the first `longest` tokens of a line.
    """
    tokenizer = tokenizer_of(folder)
    longest = min(longest, _positions(model), tokenizer.model_max_length)
    rows = int(model.get_input_embeddings().weight.shape[0])
    unknown = tokenizer.unk_token_id
    sequences: list[list[int]] = []
    total = 0
    for texts, most in ((lines, most_tokens), (package_text(), min(MOST_TOKENS, most_tokens))):
        for ids in _tokens(tokenizer, texts, longest):
            if total >= most:
                break
            if ids and max(ids) < rows and ids.count(unknown) <= len(ids) // 2:
                sequences.append(ids)
                total += len(ids)
    if not sequences:
        raise NoCalibration("the tokenizer does not know the words of the text")
    return equal_length_batches(sequences, keep_last=bool(tokenizer.num_special_tokens_to_add()), most=of_batch)


def random_batches(folder: Path, rows: int, tokens: int) -> list[Tensor]:
    """Sequences of tokens that are drawn by their estimated frequencies, with the special tokens of a text around them.

    Nothing if the tokenizer does not tell frequencies.
    """
    frequencies = torch.tensor(_core.token_frequencies(folder, rows), dtype=torch.float64)
    if len(frequencies) == 0:
        return []
    tokenizer = tokenizer_of(folder)
    special = [token for token in tokenizer.all_special_ids if token < rows]
    frequencies[special] = 0
    if not float(frequencies.sum()) > 0:
        return []
    count = max(2, tokens // DRAWN_TOKENS)
    drawn = torch.multinomial(
        frequencies, count * DRAWN_TOKENS, replacement=True, generator=torch.Generator().manual_seed(0)
    )
    before, after = _around_a_text(tokenizer)
    return [
        torch.cat(
            [
                torch.tensor(before, dtype=torch.long).expand(count, -1),
                drawn.reshape(count, DRAWN_TOKENS),
                torch.tensor(after, dtype=torch.long).expand(count, -1),
            ],
            1,
        )
    ]


def _around_a_text(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The tokens that the tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False, verbose=False)["input_ids"]
    whole = tokenizer("a", verbose=False)["input_ids"]
    for start in range(len(whole) - len(bare) + 1):
        if bare and whole[start : start + len(bare)] == bare:
            return whole[:start], whole[start + len(bare) :]
    return [], []


def token_counts(folder: Path, lines: list[str]) -> list[int]:
    """How often each token of the model occurs in the lines."""
    tokenizer = tokenizer_of(folder)
    counts = np.zeros(len(tokenizer), np.int64)
    for start in range(0, len(lines), LINES_AT_ONCE):
        for ids in _rows_of(tokenizer, lines[start : start + LINES_AT_ONCE], truncation=False):
            counts += np.bincount(ids, minlength=len(counts))
    return [int(count) for count in counts]


def _rows_of(tokenizer: Any, lines: list[str], **options: Any) -> Any:
    try:
        return tokenizer(lines, verbose=False, **options)["input_ids"]
    except Exception as error:  # a tokenizer without a token for unknown words raises any exception
        raise NoCalibration(f"the tokenizer fails: {' '.join(str(error).split())[:200]}") from error


def _tokens(tokenizer: Any, texts: list[str], longest: int) -> Iterator[list[int]]:
    """The ids of the texts in random order."""
    order = list(range(len(texts)))
    random.Random(0).shuffle(order)
    for start in range(0, len(order), LINES_AT_ONCE):
        lines = [texts[i] for i in order[start : start + LINES_AT_ONCE]]
        yield from _rows_of(tokenizer, lines, truncation=True, max_length=longest)


def _positions(model: Any) -> int:
    config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
    positions = getattr(config, "max_position_embeddings", None)
    return int(positions) - 4 if isinstance(positions, int) and positions > 8 else LONGEST  # some begin at row 2


def model_inputs(model: Any, ids: Tensor) -> dict[str, Tensor]:
    """The arguments of a forward on a batch of token ids."""
    inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if getattr(model.config, "is_encoder_decoder", False):
        inputs["decoder_input_ids"] = ids
    if hasattr(model.config, "use_cache"):
        inputs["use_cache"] = False
    return inputs
