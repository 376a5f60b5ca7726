# SPDX-License-Identifier: Apache-2.0
"""Tables as plain integers of 8 bits with a f16 scale for each row, for peers that leave tables in f32."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from models import Forward, is_embedding, pretrained, replace

NAME = ", tables in int8"  # at the end of the name of a row


def rounded(table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and scales."""
    scale = (table.float().abs().amax(1) / 127).clamp_min(1e-7).half()
    return (table.float() / scale.float().unsqueeze(1)).round().clamp(-127, 127).to(torch.int8), scale


def restored(codes: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return codes.float() * scale.float().unsqueeze(-1)


class Int8Table(torch.nn.Module):
    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        codes, scale = rounded(table.detach())
        self.register_buffer("codes", codes)
        self.register_buffer("scale", scale)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return restored(self.codes[ids], self.scale[ids])


def with_int8_tables(model: Any) -> Any:
    return replace(model, is_embedding, lambda module: Int8Table(module.weight))


def weights_of(folder: Path) -> Path:
    """The file that holds the tables: auto-round puts what it does not know into a second, small one."""
    return max(folder.rglob("*.safetensors"), key=lambda file: file.stat().st_size)


def round_tables(folder: Path) -> None:
    """Replaces the tables in the weight file of a folder."""
    file, arrays = weights_of(folder), {}
    for name, tensor in safetensors.torch.load_file(file).items():
        if name.endswith("_embeddings.weight"):
            arrays[f"{name}.codes"], arrays[f"{name}.scale"] = rounded(tensor)
        else:
            arrays[name] = tensor
    file.unlink()
    safetensors.torch.save_file(arrays, file, {"format": "pt"})


def pretrained_with_tables(folder: Path) -> Forward:
    """The model of a folder after `round_tables`, by way of a folder that has the tables in f32."""
    with tempfile.TemporaryDirectory() as scratch:
        dense = Path(scratch) / "dense"
        shutil.copytree(weights_of(folder).parent, dense)
        file = weights_of(dense)
        arrays = safetensors.torch.load_file(file)
        for name in [key.removesuffix(".codes") for key in arrays if key.endswith("_embeddings.weight.codes")]:
            arrays[name] = restored(arrays.pop(f"{name}.codes"), arrays.pop(f"{name}.scale"))
        safetensors.torch.save_file(arrays, file, {"format": "pt"})
        return pretrained(dense)
