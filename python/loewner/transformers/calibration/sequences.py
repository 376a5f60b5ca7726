# SPDX-License-Identifier: Apache-2.0
"""Calibration inputs of a model: token sequences of a text, or noise for models of images and sound."""

from __future__ import annotations

import random
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from loewner.transformers.calibration.batches import TOKENS_OF_BATCH, equal_length_batches

MOST_TOKENS = 32768  # of all batches
MOST_TOKENS_OF_USER = 65536
LONGEST = 256  # tokens of a sequence
MOST_LINES = 100_000  # of a text file; more do not help
LONGEST_LINE = 20_000  # characters
LINES_AT_ONCE = 256


class NoCalibration(Exception):
    """The model cannot be run on a text; the message says why."""


def package_text() -> list[str]:
    """The lines of the calibration text that comes with the package."""
    folder = files("loewner") / "calibration_text"
    texts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".txt")), key=lambda entry: entry.name)
    return [line for text in texts for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]


def lines_of(path: Path) -> list[str]:
    """The lines of a text file that are not empty, at most MOST_LINES of them."""
    lines = list(_stripped_lines(path))
    if not lines:
        raise ValueError(f"{path}: expected at least one line that is not empty")
    return lines


def _stripped_lines(path: Path) -> Iterator[str]:
    count = 0
    with path.open("rb") as file:
        while count < MOST_LINES and (raw := file.readline(4 * LONGEST_LINE)):
            if b"\0" in raw:
                raise ValueError(f"{path}: expected a text file, found a zero byte")
            line = raw.decode("utf-8", errors="replace").strip()[:LONGEST_LINE]
            if line:
                count += 1
                yield line


def tokenizer_of(folder: Path) -> Any:
    """The model's tokenizer."""
    if not any(folder.glob("*token*")) and not any(folder.glob("vocab*")) and not any(folder.glob("*.model")):
        raise NoCalibration("the folder has no tokenizer")  # transformers would make one without words
    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        if (folder / "tokenizer.json").exists():
            return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))  # type: ignore[no-untyped-call]
        raise NoCalibration(f"the tokenizer cannot be read: {' '.join(str(error).split())[:200]}") from error


def token_batches(
    folder: Path,
    model: Any,
    lines: list[str] | None,
    most_tokens: int = MOST_TOKENS_OF_USER,
    of_batch: int = TOKENS_OF_BATCH,
) -> list[Tensor]:
    """Batches of token ids, each batch x length: a random choice of the lines, and of the package's text.

    The package's text is taken alone without `lines`, and fills up if they have few tokens.
    """
    tokenizer = tokenizer_of(folder)
    longest = min(LONGEST, _positions(model), tokenizer.model_max_length)
    rows = int(model.get_input_embeddings().weight.shape[0])
    unknown = tokenizer.unk_token_id
    sequences: list[list[int]] = []
    total = 0
    for texts, most in ((lines or [], most_tokens), (package_text(), min(MOST_TOKENS, most_tokens))):
        for ids in _tokens(tokenizer, texts, longest):
            if total >= most:
                break
            if ids and max(ids) < rows and ids.count(unknown) <= len(ids) // 2:
                sequences.append(ids)
                total += len(ids)
    if not sequences:
        raise NoCalibration("the tokenizer does not know the words of the text")
    return equal_length_batches(sequences, keep_last=bool(tokenizer.num_special_tokens_to_add()), most=of_batch)


def _tokens(tokenizer: Any, texts: list[str], longest: int) -> Iterator[list[int]]:
    """The ids of the texts in random order."""
    order = list(range(len(texts)))
    random.Random(0).shuffle(order)
    for start in range(0, len(order), LINES_AT_ONCE):
        lines = [texts[i] for i in order[start : start + LINES_AT_ONCE]]
        yield from tokenizer(lines, truncation=True, max_length=longest, verbose=False)["input_ids"]


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
