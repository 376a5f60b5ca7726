# SPDX-License-Identifier: Apache-2.0
"""An ONNX file that is called as a model of transformers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from loewner.onnx.sessions import new_session


def is_onnx_file(model: Path) -> bool:
    return model.suffix == ".onnx"


def folder_of(file: Path) -> Path:
    """Where configuration and tokenizer of a file are: its folder, or the one above a folder `onnx`."""
    return file.parent.parent if file.parent.name == "onnx" else file.parent


class OnnxEngine:
    """Runs a file with onnxruntime. Inputs that a tokenizer does not give are zero."""

    def __init__(self, file: Path) -> None:
        self._session = new_session(file)

    def __call__(self, **given: torch.Tensor) -> SimpleNamespace:
        zeros = np.zeros(given["input_ids"].shape, np.int64)
        inputs: dict[str, Any] = {
            each.name: given[each.name].numpy() if each.name in given else zeros for each in self._session.get_inputs()
        }
        names = [output.name for output in self._session.get_outputs()]
        values = self._session.run(names, inputs)
        return SimpleNamespace(**{name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)})
