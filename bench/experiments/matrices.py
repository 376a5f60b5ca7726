# SPDX-License-Identifier: Apache-2.0
"""The model and the matrices of the experiments."""

from __future__ import annotations

import numpy as np
import results_page  # noqa: F401 - puts bench/ on the path
import safetensors.numpy
from sentence_fidelity import minilm_folder
from sentence_fidelity import quiet_transformers as quiet_transformers


def minilm_table() -> np.ndarray:
    """The token embedding of all-MiniLM-L6-v2, 30522 x 384."""
    weights = safetensors.numpy.load_file(minilm_folder() / "model.safetensors")
    return np.ascontiguousarray(weights["embeddings.word_embeddings.weight"], np.float32)


def widened(table: np.ndarray, cols: int) -> np.ndarray:
    """A random table with as many rows and `cols` columns, whose spectrum is that of the table, interpolated."""
    values = np.linalg.svd(table, compute_uv=False)
    spectrum = np.interp(np.linspace(0, len(values) - 1, cols), np.arange(len(values)), values)
    random = np.random.default_rng(1)
    left = random.standard_normal((table.shape[0], cols)) / np.sqrt(table.shape[0])
    right, _ = np.linalg.qr(random.standard_normal((cols, cols)))
    return ((left * spectrum) @ right).astype(np.float32)


def rank_at(keep: float, shape: tuple[int, int]) -> int:
    """The largest rank whose factors have at most the share `keep` of the numbers of the matrix."""
    rows, cols = shape
    return int(keep * rows * cols / (rows + cols))
