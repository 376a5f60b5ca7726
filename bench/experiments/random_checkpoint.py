# SPDX-License-Identifier: Apache-2.0
"""Writes safetensors files of random float16 matrices, block by block, for experiments on large files."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

BLOCK = 4096  # rows
LAYERS_OF_A_SHARD = 10
AMOUNTS = {"codes": ["--bits", "3"], "int4": ["--keep", "0.3"], "svd": ["--keep", "0.5"]}  # for the layers, by method


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


def shapes_of_layer(layer: int, width: int) -> dict[str, tuple[int, int]]:
    """The seven matrices of a layer of a decoder."""
    inner = 8 * width // 3
    names = {f"self_attn.{name}_proj": (width, width) for name in "qkvo"}
    names |= {"mlp.up_proj": (inner, width), "mlp.gate_proj": (inner, width), "mlp.down_proj": (width, inner)}
    return {f"model.layers.{layer}.{name}.weight": shape for name, shape in names.items()}


def write_layers(folder: Path, layers: int, width: int) -> None:
    """A checkpoint of float16 layers of a decoder, without tables, in shards."""
    folder.mkdir()
    random = np.random.default_rng(1)
    weight_map = {}
    for number, first in enumerate(range(0, layers, LAYERS_OF_A_SHARD)):
        of_shard = range(first, min(layers, first + LAYERS_OF_A_SHARD))
        shapes = {name: shape for layer in of_shard for name, shape in shapes_of_layer(layer, width).items()}
        shard = f"model-{number + 1:05}.safetensors"
        write_random_matrices(folder / shard, shapes, random)
        weight_map.update(dict.fromkeys(shapes, shard))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    config = {"model_type": "llama", "hidden_size": width, "num_hidden_layers": layers, "torch_dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config))
