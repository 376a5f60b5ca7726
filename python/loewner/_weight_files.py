# SPDX-License-Identifier: Apache-2.0
"""The safetensors files of a folder and the names in them. The package safetensors is imported on use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loewner._core import IoError
from loewner._files import read_object

SINGLE_FILE = "model.safetensors"
INDEX = f"{SINGLE_FILE}.index.json"


def has_weight_files(folder: Path) -> bool:
    """Whether a folder has safetensors weights under the usual names."""
    return any((folder / name).exists() for name in (SINGLE_FILE, INDEX))


def file_of_each(folder: Path, single: Path | None = None) -> dict[str, Path]:
    """The weight file of each stored tensor; `single` is the only one if it is not model.safetensors.

    Raises IoError if the index is broken or names a file outside the folder.
    """
    index = folder / INDEX
    if index.exists():
        files = read_object(index).get("weight_map")
        if not isinstance(files, dict) or not files:
            raise IoError(f"{index}: weight_map must be an object with at least one tensor")
        return {name: folder / _shard_name(index, name, file) for name, file in files.items()}
    single = single or folder / SINGLE_FILE
    return dict.fromkeys(tensor_names(single), single)


def tensor_names(file: Path | str) -> list[str]:
    """The names of the tensors of a file. Raises IoError if it is broken."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as tensors:
            return list(tensors.keys())
    except SafetensorError as error:
        raise IoError(f"{file}: is no safetensors file: {error}") from error


def _shard_name(index: Path, tensor: str, name: Any) -> str:
    """The rules of the C++ core: the index of a stranger must not lead to other files."""
    where = f"{index}: tensor '{tensor}': shard must be "
    if not isinstance(name, str):
        raise IoError(f"{where}a string, got {type(name).__name__}")
    leaves = name.startswith("/") or ".." in name or "\\" in name
    if leaves or not name.endswith(".safetensors") or any(letter < " " or letter == "\x7f" for letter in name):
        raise IoError(f"{where}a path in the folder that ends in .safetensors, got {name!r}")
    return name
