# SPDX-License-Identifier: Apache-2.0
"""ONNX files whose graph decodes encoded matrices with standard operators.

The modules need the package onnx; this one does not.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from loewner._weight_files import has_weight_files


def is_onnx_model(model: str | os.PathLike[str]) -> bool:
    """Whether a model is an .onnx file, or a folder that has onnx/model.onnx and no safetensors."""
    path = Path(model)
    if path.suffix == ".onnx":
        return True
    return (path / "onnx" / "model.onnx").exists() and not has_weight_files(path)


def require_onnx(what: str) -> None:
    """ImportError with the way out unless the package onnx is installed."""
    if find_spec("onnx") is None:
        raise ImportError(f"{what} reads ONNX files with the package onnx: pip install 'loewner[onnx]'")
