# SPDX-License-Identifier: Apache-2.0
"""A tokenized text, and the inputs and outputs of single modules when a model runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BatchEncoding, PreTrainedModel

MAX_LENGTH = 128  # tokens of a line; the rest of the line is cut
MAX_TOKENS = 65_536  # tokens of the text; the rest of the text is cut
BATCH = 32


class _Captured(Exception):
    """Stops a forward pass after the module of interest."""


class Text:
    """The text in batches of lines of similar length."""

    def __init__(self, lines: Sequence[str], folder: Path) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        encoded = tokenizer(list(lines), truncation=True, max_length=MAX_LENGTH)["input_ids"]
        self.ids = np.concatenate([np.asarray(ids, np.int64) for ids in encoded])
        within = np.cumsum([len(ids) for ids in encoded]) <= MAX_TOKENS
        order = sorted(np.flatnonzero(within), key=lambda i: len(encoded[i]))
        self.batches: list[BatchEncoding] = [
            tokenizer.pad({"input_ids": [encoded[i] for i in order[start : start + BATCH]]}, return_tensors="pt")
            for start in range(0, len(order), BATCH)
        ]

    def inputs_of(self, module: nn.Module, model: PreTrainedModel) -> np.ndarray | None:
        """The inputs of a module, one row for each token; None if the model never calls it."""
        return self._seen(module, model, outputs=False)

    def outputs_of(self, module: nn.Module, model: PreTrainedModel) -> np.ndarray | None:
        """The outputs of a module, one row for each token; None if the model never calls it."""
        return self._seen(module, model, outputs=True)

    @torch.inference_mode()
    def _seen(self, module: nn.Module, model: PreTrainedModel, *, outputs: bool) -> np.ndarray | None:
        found: list[Tensor] = []

        def hook(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
            found.append(output if outputs else arguments[0])
            raise _Captured

        handle = module.register_forward_hook(hook)
        rows = []
        try:
            for batch in self.batches:
                if not _reaches_hook(model, batch):
                    return None
                rows.append(_by_token(found.pop(), batch["attention_mask"].bool()))
        finally:
            handle.remove()
        return torch.cat(rows).float().numpy()


def _reaches_hook(model: PreTrainedModel, batch: BatchEncoding) -> bool:
    decoder = {"decoder_input_ids": batch["input_ids"]} if model.config.is_encoder_decoder else {}
    try:
        model(**batch, **decoder)
    except _Captured:
        return True
    return False


def _by_token(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask] if values.shape[:2] == mask.shape else values.reshape(-1, values.shape[-1])
