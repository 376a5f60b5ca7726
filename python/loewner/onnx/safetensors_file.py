# SPDX-License-Identifier: Apache-2.0
"""Writes safetensors files block by block; the package safetensors wants whole arrays in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_ALIGNMENT = 8


@dataclass
class Entry:
    """One array: its safetensors type, shape and size, and its contiguous blocks in order."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    blocks: Iterable[np.ndarray[Any, np.dtype[Any]]]


def write_safetensors(path: Path, entries: Iterable[Entry], metadata: dict[str, str] | None = None) -> None:
    """Writes a new file."""
    chosen = list(entries)
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    begin = 0
    for entry in chosen:
        end = begin + entry.bytes
        header[entry.name] = {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("xb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for entry in chosen:
            for block in entry.blocks:
                file.write(block.data)
