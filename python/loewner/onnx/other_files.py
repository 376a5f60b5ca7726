# SPDX-License-Identifier: Apache-2.0
"""The files of a model folder beside its weights, such as configuration and tokenizer, in an output."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

_WEIGHTS = (".safetensors", ".bin", ".onnx", ".onnx_data", ".data", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf")


def copy_other_files(model: Path, folder: Path, is_left_out: Callable[[Path], bool]) -> None:
    """Copies files with their permissions, also from folders such as 1_Pooling. is_left_out: by relative path.

    Folders get no permissions that those of the model do not have.
    """
    limit_mode(model, folder)
    for path in sorted(model.rglob("*")):
        relative = path.relative_to(model)
        if path.is_file() and path.suffix not in _WEIGHTS and not is_left_out(relative):
            _make_folders(model, relative, folder)
            shutil.copy(path, folder / relative)


def mode_of_weights(model: Path) -> int | None:
    """The permissions that all weight files of a folder have; None if it has no such file."""
    modes = [path.stat().st_mode & 0o777 for path in model.rglob("*") if path.suffix in _WEIGHTS and path.is_file()]
    mode = 0o777
    for found in modes:
        mode &= found
    return mode if modes else None


def limit_mode(model: Path, folder: Path) -> None:
    """Takes from a folder the permissions that the model's does not have.

    The owner keeps all permissions, so that the folder can be completed and removed.
    """
    folder.chmod(folder.stat().st_mode & model.stat().st_mode & 0o777 | 0o700)


def _make_folders(model: Path, relative: Path, folder: Path) -> None:
    for parent in reversed(relative.parents):
        if not (folder / parent).is_dir():
            (folder / parent).mkdir()
            limit_mode(model / parent, folder / parent)
