# SPDX-License-Identifier: Apache-2.0
"""A small BERT whose layers are no multiples of random noise, for tests of calibration."""

from __future__ import annotations

from pathlib import Path

import torch
from encoded_models import VOCABULARY
from tokenized_models import save_tokenizer, text
from transformers import BertConfig, BertModel


def bert(width: int = 32, vocabulary: int = 50) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * width,
        max_position_embeddings=64,
    )
    model: BertModel = BertModel(config)
    model.eval()  # type: ignore[no-untyped-call]
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        if parameter.dim() == 2:  # trained layers are no multiples of random noise of size 0.02
            parameter.mul_(10)
    return model


def bert_folder(folder: Path) -> Path:
    bert(64, VOCABULARY).save_pretrained(folder)
    return save_tokenizer(folder)


def write_text(file: Path) -> Path:
    file.write_text("\n".join(text(200)) + "\n")
    return file


def weights_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.safetensors")))
