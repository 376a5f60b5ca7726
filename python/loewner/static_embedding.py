# SPDX-License-Identifier: Apache-2.0
"""Static embedding models: the vector of a sentence is the mean of its tokens' vectors, and the table is the model."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loewner._core import IoError, StoredMatrix
from loewner._files import read_json, read_object
from loewner._weight_files import tensor_names

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STATIC_TYPE = "static_embedding"  # of a folder without config.json
MODEL_TYPES = ("model2vec", STATIC_TYPE)
TABLES = ("embeddings", "embedding.weight", "embedding")
OF_TOKENS = {"weights", "mapping"}  # tensors beside a table
_SMALLEST_NORM = 1e-32

Array = np.ndarray[Any, Any]


def is_static_model(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a static embedding model: model2vec, StaticEmbedding, or a table alone."""
    path = Path(folder)
    config = path / "config.json"
    if config.is_file():
        return read_object(config).get("model_type") in MODEL_TYPES
    return _static_module(path) is not None or _has_table_alone(path)


def static_weights(folder: Path) -> Path:
    """The weight file of a static embedding model."""
    module = _static_module(folder)
    named = [folder / "model.safetensors", *([] if module is None else [folder / module / "model.safetensors"])]
    found = [path for path in named if path.is_file()]
    found = found or [path for place in (folder, folder / "weights") for path in sorted(place.glob("*.safetensors"))]
    if not found:
        raise IoError(f"{folder}: has no safetensors file")
    return found[0]


class StaticModel:
    """A static embedding model that `loewner.load` returns.

    Attributes
    ----------
    dimension : int
        Length of the vectors.
    normalize : bool
        Whether vectors have length 1.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a folder of model2vec or sentence-transformers, or one that `loewner.compress` made of it.

        Parameters
        ----------
        folder : str or os.PathLike
            The model folder. An encoded table stays encoded; rows are decoded when they are looked up.

        Raises
        ------
        OSError
            If a file is missing or broken.
        """
        self._folder = Path(folder)
        self._weights = static_weights(self._folder)
        config = self._folder / "config.json"
        self.config = read_object(config) if config.is_file() else {}
        self.normalize = bool(self.config.get("normalize", False)) or _has_normalize(self._folder)
        self.spec: dict[str, Any] | None = None
        self._read()
        self._tokenizer: Tokenizer | None = None

    def _read(self) -> None:
        from safetensors import SafetensorError

        from loewner._encoded_folder import arrays_of, encoded_tensors

        try:
            own = dict(arrays_of(self._weights))
            encoded = list(encoded_tensors(self._folder, self._weights)) if self.config else []
        except SafetensorError as error:
            raise IoError(f"{self._weights}: {error}") from error
        self.mapping: Array | None = own.get("mapping")
        self.weights: Array | None = own.get("weights")
        if encoded:
            self.name, self.spec, self.arrays = encoded[0]
            self._matrix = StoredMatrix(json.dumps(self.spec), self.arrays)
            self.dimension = int(self.spec["cols"])
            return
        name = next((name for name in TABLES if name in own and own[name].ndim == 2), None)
        if name is None:
            raise IoError(f"{self._weights}: expected a table named {', '.join(TABLES)}")
        self.table: Array = own[name].astype(np.float32)
        self.dimension = self.table.shape[1]

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer beside the weights, without padding and truncation."""
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            path = _tokenizer_file(self._folder, self._weights)
            self._tokenizer = Tokenizer.from_file(str(path))
            self._tokenizer.no_padding()
            self._tokenizer.no_truncation()
        return self._tokenizer

    def tokenize(self, sentences: Sequence[str]) -> list[list[int]]:
        """Split sentences into tokens.

        Parameters
        ----------
        sentences : sequence of str
            The sentences.

        Returns
        -------
        list of list of int
            The ids of each sentence. Of model2vec models, unknown tokens are left out, as that package does it.
        """
        lists = [encoding.ids for encoding in self.tokenizer.encode_batch(list(sentences), add_special_tokens=False)]
        if self.config.get("model_type") != "model2vec":
            return lists
        model = json.loads(self.tokenizer.to_str())["model"]
        unknown = self.tokenizer.token_to_id(model.get("unk_token") or "") if model.get("unk_token") else None
        return [[number for number in ids if number != unknown] for ids in lists]

    def rows(self, ids: Sequence[int]) -> Array:
        """Decode the vectors of tokens.

        Parameters
        ----------
        ids : sequence of int
            Token ids.

        Returns
        -------
        ndarray of shape (tokens, dimension), float32
            Their vectors, multiplied by the weights of the tokens if the model has some.
        """
        tokens = np.asarray(ids, np.int64)
        places = tokens if self.mapping is None else self.mapping[tokens]
        rows: Array = self.table[places] if self.spec is None else self._matrix.decode_rows(places)
        return rows if self.weights is None else (rows * self.weights[tokens, None]).astype(np.float32)

    def encode(self, sentences: Sequence[str]) -> Array:
        """Compute the vectors of sentences.

        Parameters
        ----------
        sentences : sequence of str
            The sentences.

        Returns
        -------
        ndarray of shape (sentences, dimension), float32
            Means of the tokens' vectors, of length 1 if `normalize`; zero for a sentence without tokens.
        """
        vectors = np.zeros((len(sentences), self.dimension), np.float32)
        for vector, ids in zip(vectors, self.tokenize(sentences), strict=True):
            if ids:
                vector[:] = self.rows(ids).mean(0)
        if self.normalize:
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + _SMALLEST_NORM
        return vectors


def _modules(folder: Path) -> list[dict[str, Any]]:
    path = folder / "modules.json"
    if not path.is_file():
        return []
    found = read_json(path)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _static_module(folder: Path) -> Path | None:
    """The folder of the first module if it is a StaticEmbedding."""
    first = (_modules(folder) or [{}])[0]
    if not str(first.get("type", "")).endswith("StaticEmbedding"):
        return None
    path = Path(str(first.get("path", "")))
    return None if path.is_absolute() or ".." in path.parts else path


def _has_table_alone(folder: Path) -> bool:
    try:
        names = set(tensor_names(static_weights(folder)))
    except IoError:
        return False
    return len(names - OF_TOKENS) == 1 and not names.isdisjoint(TABLES)


def _has_normalize(folder: Path) -> bool:
    return any(str(entry.get("type", "")).endswith("Normalize") for entry in _modules(folder))


def _tokenizer_file(folder: Path, weights: Path) -> Path:
    for path in (weights.parent / "tokenizer.json", folder / "tokenizer.json"):
        if path.is_file():
            return path
    raise IoError(f"{folder}: has no tokenizer.json")
