# SPDX-License-Identifier: Apache-2.0
"""Small static embedding models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from encoded_models import VOCABULARY
from onnx_models import matrix
from safetensors.numpy import save_file
from tokenized_models import save_tokenizer

WIDTH = 48
Arrays = dict[str, np.ndarray[Any, Any]]


def model2vec(folder: Path, extra: Arrays | None = None, rows: int = VOCABULARY) -> Path:
    """As the package model2vec saves it."""
    folder.mkdir()
    save_file({"embeddings": matrix(rows, WIDTH, 1), **(extra or {})}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    save_tokenizer(folder)
    return folder
