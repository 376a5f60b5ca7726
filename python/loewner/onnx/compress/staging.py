# SPDX-License-Identifier: Apache-2.0
"""The checkpoint that stands for the matrices of an ONNX file while the core encodes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from loewner._core import IoError
from loewner.onnx.compress.roles import LINEAR, Place
from loewner.onnx.safetensors_file import Entry, write_safetensors
from loewner.onnx.tensor_data import TensorData

MODEL_TYPE = "onnx"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model", "tokenizer.model",
                   "sentencepiece.bpe.model", "tokenizer_config.json", "special_tokens_map.json")  # fmt: skip


def stage(
    model: Path, tensors: Iterable[TensorData], places: dict[str, Place], tokenizer: Path | None, folder: Path
) -> None:
    """Writes a checkpoint with config.json, model.safetensors and the tokenizer's files.

    Rows of linear layers are their outputs. Raises IoError, naming initializer and index, on an entry that is not
    finite.
    """
    folder.mkdir(parents=True)
    chosen = list(tensors)
    config = {"model_type": MODEL_TYPE, "loewner_roles": {tensor.name: places[tensor.name].role for tensor in chosen}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for tensor in chosen:
        tensor.require_finite(model)
    write_safetensors(folder / "model.safetensors", [_entry(t, is_turned(places[t.name])) for t in chosen])
    for name in TOKENIZER_FILES:
        if tokenizer is not None and (tokenizer / name).is_file():
            shutil.copy(tokenizer / name, folder / name)


def is_turned(place: Place) -> bool:
    """Whether the checkpoint has the transpose of the initializer."""
    return place.role == LINEAR and place.transposed


def tokenizer_folder(model: Path, given: Path | None) -> Path | None:
    """The folder with the tokenizer of a model file: the given one, that of the file, or the one above onnx/."""
    if given is not None:
        if not any((given / name).is_file() for name in TOKENIZER_FILES):
            raise IoError(f"{given}: has no tokenizer file, such as tokenizer.json")
        return given
    folders = [model.parent, *([model.parent.parent] if model.parent.name == "onnx" else [])]
    return next((folder for folder in folders if any((folder / name).is_file() for name in TOKENIZER_FILES)), None)


def _entry(tensor: TensorData, turned: bool) -> Entry:
    shape = tensor.shape[::-1] if turned else tensor.shape
    return Entry(tensor.name, tensor.type_name, shape, tensor.byte_count, tensor.row_blocks(turned))
