# SPDX-License-Identifier: Apache-2.0
"""Writes safetensors files of random float16 matrices, block by block, for experiments on large files."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

BLOCK = 4096  # rows


def write_random_matrices(path: Path, shapes: Mapping[str, tuple[int, int]], random: np.random.Generator) -> int:
    """Gaussian matrices whose columns decay as i^-1/2. Returns the offset of the first matrix in the file."""
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * shape[1]
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for rows, cols in shapes.values():
            scale = np.float32(1) / np.sqrt(1 + np.arange(cols, dtype=np.float32))
            for first in range(0, rows, BLOCK):
                block = random.standard_normal((min(BLOCK, rows - first), cols), dtype=np.float32) * scale
                file.write(block.astype(np.float16).tobytes())
    return 8 + len(text)
