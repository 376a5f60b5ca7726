# SPDX-License-Identifier: Apache-2.0
"""Queries, keys and values of the attention heads of all-MiniLM-L6-v2 on real texts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matrices import minilm_folder
from table_refit import training_lines
from transformers import AutoModel, AutoTokenizer

LINES_PER_TOKEN = 20 / 128  # enough to fill a text


class Head(NamedTuple):
    """Matrices of tokens x d, float32."""

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray


def texts(glue: Path, count: int, length: int) -> list[str]:
    """`count` texts of at least `length` tokens, each made of consecutive sentences."""
    lines, each = training_lines(glue), int(LINES_PER_TOKEN * length)
    return [" ".join(lines[each * i : each * i + each]) for i in range(count)]


@torch.inference_mode()
def heads(glue: Path, count: int, length: int) -> list[Head]:
    """One Head for every layer, text (`count` of at most `length` tokens) and attention head, in this order."""
    model = AutoModel.from_pretrained(minilm_folder()).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    batch = tokenizer(texts(glue, count, length), truncation=True, max_length=length, padding=True, return_tensors="pt")
    seen: dict[str, list[torch.Tensor]] = {"query": [], "key": [], "value": []}
    for layer in model.encoder.layer:
        for name, outputs in seen.items():
            module = getattr(layer.attention.self, name)
            module.register_forward_hook(lambda _, __, output, outputs=outputs: outputs.append(output))
    model(**batch)
    split = (model.config.num_attention_heads, -1)
    return [
        Head(*(np.ascontiguousarray(x[:, head].numpy()) for x in rows))
        for layer in zip(*seen.values(), strict=True)
        for text, mask in enumerate(batch["attention_mask"].bool())
        for rows in [[x[text][mask].unflatten(-1, split) for x in layer]]
        for head in range(split[0])
    ]
