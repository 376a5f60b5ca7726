# SPDX-License-Identifier: Apache-2.0
"""The arrays of an ONNX file as a folder again, which the core verifies as any other output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from onnx import numpy_helper

from loewner._core import IoError
from loewner._structures import array_prefix
from loewner.onnx.decoders.base import Array, Arrays, format_arrays
from loewner.onnx.reading import OnnxModel
from loewner.onnx.record import Record
from loewner.onnx.safetensors_file import Entry, read_entries, write_safetensors

_STORED = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "uint8": "U8"}


def stored_arrays(model: OnnxModel, record: Record) -> dict[str, Arrays]:
    """The arrays of docs/format.md of each tensor, from the initializers of its decoder."""
    return {name: _arrays(model, name, record) for name in record.specs}


def write_stored_folder(
    folder: Path, config: dict[str, Any], record: Record, matrices: dict[str, Arrays], others: Iterable[Entry] = ()
) -> None:
    """Writes config.json and model.safetensors: the arrays, and the tensors that are not encoded."""
    folder.mkdir()
    config = {**config, "quantization_config": record.quantization}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    entries = [
        _entry(array_prefix(name, record.specs[name]) + array, values)
        for name, arrays in matrices.items()
        for array, values in arrays.items()
    ]
    write_safetensors(folder / "model.safetensors", [*entries, *others])


def dense_tensors(files: dict[str, Path], left_out: set[str]) -> Iterator[Entry]:
    """The tensors of a model folder, which are read when they are written. files: of each tensor."""
    for file in dict.fromkeys(files.values()):
        yield from (
            entry for entry in read_entries(file) if entry.name not in left_out and files.get(entry.name) == file
        )


def _arrays(model: OnnxModel, name: str, record: Record) -> Arrays:
    begin, names = array_prefix(name, record.specs[name]), record.initializers[name]["arrays"]
    missing = next((full for full in names if full not in model.tensors), None)
    if missing is not None:
        raise IoError(f"{model.path}: initializer '{missing}' of '{name}' is missing")
    stored = {
        full.removeprefix(begin): numpy_helper.to_array(model.tensors[full].proto, str(model.path.parent))
        for full in names
    }
    try:
        return format_arrays(record.specs[name], stored)
    except (LookupError, TypeError, ValueError) as error:
        raise IoError(f"{model.path}: the arrays of '{name}' do not fit its specification: {error!r}") from error


def _entry(name: str, values: Array) -> Entry:
    kind = _STORED.get(str(values.dtype))
    if kind is None:
        raise IoError(f"initializer '{name}': type {values.dtype} is not one of encoded arrays")
    block = np.ascontiguousarray(values)
    return Entry(name, kind, values.shape, values.nbytes, [block.view(np.uint8) if kind == "BF16" else block])
