# SPDX-License-Identifier: Apache-2.0
"""The safetensors files of a folder and the names in them. The package safetensors is imported on use."""

from __future__ import annotations

import json
from pathlib import Path

SINGLE_FILE = "model.safetensors"
INDEX = f"{SINGLE_FILE}.index.json"


def has_weight_files(folder: Path) -> bool:
    """Whether a folder has safetensors weights under the usual names."""
    return any((folder / name).exists() for name in (SINGLE_FILE, INDEX))


def file_of_each(folder: Path, single: Path | None = None) -> dict[str, Path]:
    """The weight file of each stored tensor; `single` is the only one if it is not model.safetensors."""
    index = folder / INDEX
    if index.exists():
        return {name: folder / file for name, file in json.loads(index.read_text())["weight_map"].items()}
    single = single or folder / SINGLE_FILE
    return dict.fromkeys(tensor_names(single), single)


def tensor_names(file: Path | str) -> list[str]:
    """The names of the tensors of a file."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as tensors:
        return list(tensors.keys())
