# SPDX-License-Identifier: Apache-2.0
"""The encoded matrices of a folder that `compress` wrote, as NumPy arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open

from loewner._structures import array_prefix

Array = np.ndarray[Any, Any]
INDEX = "model.safetensors.index.json"


class Encoded(NamedTuple):
    """An encoded tensor: its name, its specification and the arrays of docs/format.md."""

    name: str
    spec: dict[str, Any]
    arrays: dict[str, Array]


def quantization_of(folder: Path) -> dict[str, Any]:
    """The field quantization_config of config.json; empty if there is none."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return dict(config.get("quantization_config", {}))


def encoded_tensors(folder: Path, weights: Path | None = None) -> Iterator[Encoded]:
    """Read the encoded tensors of a folder, one at a time. `weights`: the only file, if it has another name."""
    files = file_of_each(folder, weights)
    for name, spec in quantization_of(folder).get("tensors", {}).items():
        prefix = array_prefix(name, spec)
        names = [full for full in files if full.startswith(prefix) and "." not in full.removeprefix(prefix)]
        arrays = {full.removeprefix(prefix): _read(files[full], full) for full in names}
        # The bias of the same module is no array of the matrix.
        yield Encoded(name, spec, {array: values for array, values in arrays.items() if values.ndim == 2})


def _read(path: Path, name: str) -> Array:
    with safe_open(path, framework="numpy") as file:  # bfloat16 becomes the type of the package ml_dtypes
        values: Array = file.get_tensor(name)
        return values


def arrays_of(path: Path) -> dict[str, Array]:
    """All arrays of a file."""
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def file_of_each(folder: Path, single: Path | None = None) -> dict[str, Path]:
    """The weight file of each stored tensor; `single` is the only one if it is not model.safetensors."""
    index = folder / INDEX
    if index.exists():
        return {name: folder / file for name, file in json.loads(index.read_text())["weight_map"].items()}
    single = single or folder / "model.safetensors"
    with safe_open(single, framework="numpy") as file:
        return dict.fromkeys(file.keys(), single)
