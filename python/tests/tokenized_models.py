# SPDX-License-Identifier: Apache-2.0
"""Small random models with a tokenizer of artificial words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import transformers
from encoded_models import FAMILIES, VOCABULARY, dense_folder
from tokenizers import Tokenizer, models, pre_tokenizers

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = [f"w{i}" for i in range(VOCABULARY - len(SPECIAL))]


def text(lines: int, seed: int = 0) -> list[str]:
    """Lines of 12 words with the frequencies of Zipf's law."""
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(WORDS) + 1)
    return [" ".join(random.choice(WORDS, 12, p=shares / shares.sum())) for _ in range(lines)]


def model_with_tokenizer(family: str, folder: Path) -> Path:
    model_class = getattr(transformers, FAMILIES[family][0])
    model_class.from_pretrained(dense_folder(family)).save_pretrained(folder)
    return save_tokenizer(folder)


def save_tokenizer(folder: Path) -> Path:
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(SPECIAL + WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    return folder
