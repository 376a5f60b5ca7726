# SPDX-License-Identifier: Apache-2.0
"""Vectors of queries and documents: by sentence-transformers if the folder is of it, else by mean pooling."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import loewner  # noqa: F401 - registers the format
from loewner._loading import held_in
from loewner.evaluation.models import Model, resident_bytes
from loewner.evaluation.onnx_engine import folder_of, onnx_file
from loewner.static_embedding import is_static_model

Progress = Callable[[float], None]

_BATCHES_AT_ONCE = 8  # between two calls of `progress`
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")  # the names that sentence-transformers looks for, in this order
_SETTINGS = "config_sentence_transformers.json"


@dataclass(frozen=True)
class Vectors:
    """Vectors of a collection, whose inner products rank."""

    queries: np.ndarray
    documents: np.ndarray
    tokens_per_second: float
    resident_bytes: int  # resident memory that loading and running the model added


class _Encoder(Protocol):
    similarity: str
    tokens: float
    seconds: float

    def query(self, texts: list[str]) -> np.ndarray: ...
    def document(self, texts: list[str]) -> np.ndarray: ...


def vectors_of(
    model: Path,
    queries: Sequence[str],
    documents: Sequence[str],
    *,
    batch_size: int,
    max_length: int | None,
    progress: Progress | None = None,
) -> Vectors:
    """Encode queries and documents with the model's own pooling, prompts and similarity.

    Equal texts have equal vectors. Raises ValueError if the model is not an encoder or gives numbers that are not
    finite.
    """
    before = resident_bytes()
    encoder: _Encoder
    if onnx_file(model) is None and (model / "modules.json").exists() and not is_static_model(model):
        encoder = _SentenceTransformers(model, batch_size, max_length)
    else:
        encoder = _Pooled(model, batch_size, max_length)
    if encoder.similarity not in ("cosine", "dot"):
        raise ValueError(f"{model}: similarity must be cosine or dot, got {encoder.similarity} in {_SETTINGS}")
    total = len(queries) + len(documents)
    at_once = batch_size * _BATCHES_AT_ONCE

    def run(encode: Callable[[list[str]], np.ndarray], texts: Sequence[str], done: int) -> np.ndarray:
        unique = sorted(set(texts), key=lambda text: (len(text), text))  # texts of a batch have similar lengths
        parts = []
        for start in range(0, len(unique), at_once):
            parts.append(np.asarray(encode(unique[start : start + at_once]), np.float32))
            if progress:
                progress((done + min(start + at_once, len(unique)) / len(unique) * len(texts)) / total)
        places = {text: place for place, text in enumerate(unique)}
        vectors = np.concatenate(parts)[[places[text] for text in texts]]
        if not np.isfinite(vectors).all():
            raise ValueError(f"{model}: vectors must be finite")
        return _normalized(vectors) if encoder.similarity == "cosine" else vectors

    of_queries = run(encoder.query, queries, 0)
    of_documents = run(encoder.document, documents, len(queries))
    speed = encoder.tokens / encoder.seconds if encoder.seconds else 0.0
    return Vectors(of_queries, of_documents, speed, max(0, resident_bytes() - before))


def _normalized(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny))


class _SentenceTransformers:
    """Runs all modules of the folder, with its prompts, its length and its similarity."""

    def __init__(self, folder: Path, batch_size: int, max_length: int | None) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ImportError(f"{folder} needs sentence-transformers: pip install 'loewner[eval]'") from error
        with held_in(memory="dense"):  # what the codes themselves change
            self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        if max_length is not None:
            self._model.max_seq_length = max_length
        self._batch_size = batch_size
        self.similarity = str(self._model.similarity_fn_name)
        self.tokens = self.seconds = 0.0
        self._begin = 0.0
        self._model[0].register_forward_pre_hook(self._before)
        self._model[0].register_forward_hook(self._after)

    def query(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._model.encode_query(texts, batch_size=self._batch_size, show_progress_bar=False))

    def document(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._model.encode_document(texts, batch_size=self._batch_size, show_progress_bar=False))

    def _before(self, module: Any, inputs: tuple[Any, ...]) -> None:
        self._begin = time.perf_counter()

    def _after(self, module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        self.seconds += time.perf_counter() - self._begin
        self.tokens += float(inputs[0]["attention_mask"].sum())


class _Pooled:
    """A plain folder of transformers, or an ONNX file, with the prompts that lie beside it."""

    def __init__(self, model: Path, batch_size: int, max_length: int | None) -> None:
        file = onnx_file(model)
        folder = model if file is None else folder_of(file)
        settings = _json(folder / _SETTINGS)
        prompts = settings.get("prompts") or {}
        self._query = prompts.get("query", "")
        self._document = next((prompts[name] for name in _DOCUMENT_PROMPTS if name in prompts), "")
        self.similarity = settings.get("similarity_fn_name") or "cosine"
        if any(prompts.values()) and _json(folder / "1_Pooling" / "config.json").get("include_prompt") is False:
            raise ValueError(f"{model}: its pooling leaves out the tokens of prompts, which needs the folder itself")
        self._model = Model(model, batch_size=batch_size, max_length=max_length)
        if self._model.is_classifier:
            raise ValueError(f"{model}: a retrieval task needs an encoder, got a classifier")
        self.tokens = self.seconds = 0.0

    def query(self, texts: list[str]) -> np.ndarray:
        return self._encode(self._query, texts)

    def document(self, texts: list[str]) -> np.ndarray:
        return self._encode(self._document, texts)

    def _encode(self, prompt: str, texts: list[str]) -> np.ndarray:
        vectors, tokens, seconds = self._model.run([[prompt + text for text in texts]])
        self.tokens, self.seconds = self.tokens + tokens, self.seconds + seconds
        return vectors


def _json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
