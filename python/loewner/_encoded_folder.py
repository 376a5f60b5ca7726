# SPDX-License-Identifier: Apache-2.0
"""The encoded matrices of a folder that `compress` wrote, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open

from loewner._files import read_object
from loewner._structures import array_prefix
from loewner._weight_files import file_of_each, tensor_names

Array = np.ndarray[Any, Any]


class Encoded(NamedTuple):
    """An encoded tensor: its name, its specification and the arrays of docs/format.md."""

    name: str
    spec: dict[str, Any]
    arrays: dict[str, Array]


def quantization_of(folder: Path) -> dict[str, Any]:
    """The field quantization_config of config.json; empty if there is none."""
    config = read_object(folder / "config.json")
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


def arrays_of(path: Path) -> Iterator[tuple[str, Array]]:
    """The names and values of all tensors of a file, one at a time."""
    for name in tensor_names(path):
        yield name, _read(path, name)


def _read(path: Path, name: str) -> Array:
    with safe_open(path, framework="numpy") as file:  # bfloat16 becomes the type of the package ml_dtypes
        values: Array = file.get_tensor(name)
        return values
