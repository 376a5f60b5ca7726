# SPDX-License-Identifier: Apache-2.0
"""The encoded matrices of a folder that `compress` wrote, as NumPy arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import torch
from safetensors import safe_open

from loewner._structures import STRUCTURES, array_prefix

Array = np.ndarray[Any, Any]
INDEX = "model.safetensors.index.json"


class Encoded(NamedTuple):
    """An encoded tensor: its name, its specification and the arrays of docs/format.md."""

    name: str
    spec: dict[str, Any]
    arrays: dict[str, Array]


def encoded_tensors(folder: Path) -> Iterator[Encoded]:
    """Read the encoded tensors of a folder, one at a time."""
    config = json.loads((folder / "config.json").read_text())
    specs = config.get("quantization_config", {}).get("tensors", {})
    files = file_of_each(folder)
    for name, spec in specs.items():
        shapes = STRUCTURES[spec["structure"]].module_class().array_shapes(spec)
        prefix = array_prefix(name, spec)
        arrays = {}
        for array in shapes:
            with safe_open(files[f"{prefix}{array}"], framework="pt") as file:
                arrays[array] = to_numpy(file.get_tensor(f"{prefix}{array}"))
        yield Encoded(name, spec, arrays)


def to_numpy(tensor: torch.Tensor) -> Array:
    """The values of a tensor; bfloat16 as the type of the package ml_dtypes."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def file_of_each(folder: Path) -> dict[str, Path]:
    """The weight file of each stored tensor."""
    index = folder / INDEX
    if index.exists():
        return {name: folder / file for name, file in json.loads(index.read_text())["weight_map"].items()}
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        return dict.fromkeys(file.keys(), folder / "model.safetensors")
