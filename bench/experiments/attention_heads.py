# SPDX-License-Identifier: Apache-2.0
"""What the attention heads of all-MiniLM-L6-v2 are asked and answer with on real texts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from table_refit import training_lines
from tables import minilm_folder
from transformers import AutoModel, AutoTokenizer

LINES_A_TOKEN = 20 / 128  # more than enough to fill a text


class Head(NamedTuple):
    """tokens x d each, float32."""

    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray


def texts(glue: Path, count: int, length: int) -> list[str]:
    """Neighbouring sentences put together until they fill a text."""
    lines, each = training_lines(glue), int(LINES_A_TOKEN * length)
    return [" ".join(lines[each * i : each * i + each]) for i in range(count)]


@torch.inference_mode()
def heads(glue: Path, count: int, length: int) -> list[Head]:
    """Of every layer, text (`count` of at most `length` tokens) and head, in this order."""
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
