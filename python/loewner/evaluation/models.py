# SPDX-License-Identifier: Apache-2.0
"""Runs a model on sentences: logits of a classifier, sentence vectors of a plain encoder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BatchEncoding,
)

import loewner  # registers the format
from loewner.evaluation.onnx_engine import OnnxEngine, folder_of, is_onnx_file

Progress = Callable[[float], None]

_POOLINGS = {"pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max", "pooling_mode_mean_tokens": "mean"}


@dataclass(frozen=True)
class Outputs:
    """One row for each sentence or pair: logits of a classifier, or vectors with one array for each column."""

    arrays: list[np.ndarray]
    tokens_per_second: float
    resident_bytes: int  # resident memory that loading and running the model added


class Model:
    """A model that runs on batches of sentences of similar length. Outputs do not depend on the order of sentences."""

    def __init__(self, model: Path, *, batch_size: int = 32, max_length: int = 128) -> None:
        """model: a folder, or an ONNX file with configuration and tokenizer beside it or one folder above."""
        before = _resident_bytes()
        folder = folder_of(model) if is_onnx_file(model) else model
        config = AutoConfig.from_pretrained(folder)
        self.is_classifier = any(
            name.endswith("ForSequenceClassification") for name in getattr(config, "architectures", None) or []
        )
        self._config = config
        self._model = OnnxEngine(model) if is_onnx_file(model) else _loaded(folder, self.is_classifier)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._pooling = _pooling_of(folder)
        self._batch_size, self._max_length = batch_size, max_length
        self._before = before

    @property
    def class_names(self) -> list[str]:
        """The class names of a classifier, in the order of its outputs."""
        return [str(name) for _, name in sorted((self._config.id2label or {}).items())]

    def outputs(self, sentences: Sequence[Sequence[str]], progress: Progress | None = None) -> Outputs:
        """Run on one or two columns of sentences. Classifiers read pairs together, encoders each column separately."""
        groups = [sentences] if self.is_classifier else [[column] for column in sentences]
        tokens = seconds = 0.0
        arrays = []
        for number, columns in enumerate(groups):
            array, run_tokens, run_seconds = self._run(columns, number, len(groups), progress)
            arrays.append(array)
            tokens, seconds = tokens + run_tokens, seconds + run_seconds
        return Outputs(arrays, tokens / seconds, max(0, _resident_bytes() - self._before))

    @torch.inference_mode()
    def _run(
        self, columns: Sequence[Sequence[str]], number: int, groups: int, progress: Progress | None
    ) -> tuple[np.ndarray, float, float]:
        order = sorted(range(len(columns[0])), key=lambda i: (sum(len(column[i]) for column in columns), i))
        result: np.ndarray | None = None
        tokens = seconds = 0.0
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            batch = self._tokenizer(
                *([column[i] for i in chosen] for column in columns),
                padding=True,
                truncation=True,
                max_length=self._max_length,
                return_tensors="pt",
            )
            begin = time.perf_counter()
            values = self._forward(batch)
            seconds += time.perf_counter() - begin
            tokens += float(batch["attention_mask"].sum())
            if result is None:
                result = np.empty((len(order), values.shape[1]), np.float32)
            result[chosen] = values
            if progress:
                progress((number + (start + len(chosen)) / len(order)) / groups)
        assert result is not None  # a task has at least one sentence
        return result, tokens, seconds

    def _forward(self, batch: BatchEncoding) -> np.ndarray:
        output = self._model(**batch)
        if self.is_classifier:
            return np.asarray(output.logits.float())
        if hasattr(output, "sentence_embedding"):  # an ONNX file with pooling
            return np.asarray(output.sentence_embedding)
        return np.asarray(_pooled(output.last_hidden_state.float(), batch["attention_mask"], self._pooling))


def _loaded(folder: Path, is_classifier: bool) -> Any:
    model_class = AutoModelForSequenceClassification if is_classifier else AutoModel
    return loewner.load(folder, memory="dense", model_class=model_class).eval()


def _pooled(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "max":
        return hidden.masked_fill(mask == 0, -torch.inf).amax(1)
    return (hidden * mask).sum(1) / mask.sum(1)


def _pooling_of(folder: Path) -> str:
    """The pooling that the files of sentence-transformers state, else the mean."""
    file = folder / "1_Pooling" / "config.json"
    modes = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return next((name for key, name in _POOLINGS.items() if modes.get(key)), "mean")


def _resident_bytes() -> int:
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return 0
    for line in status.read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
