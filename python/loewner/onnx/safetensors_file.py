# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors files block by block; the package safetensors wants whole arrays in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_ALIGNMENT = 8
_BLOCK_BYTES = 1 << 24


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


def read_entries(path: Path) -> list[Entry]:
    """The arrays of a file that other code has checked. Their blocks are bytes, which are read when they are used."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    entries = []
    for name, entry in header.items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            blocks = _blocks(path, 8 + size + first, end - first)
            entries.append(Entry(name, entry["dtype"], tuple(entry["shape"]), end - first, blocks))
    return entries


def _blocks(path: Path, begin: int, count: int) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    with path.open("rb") as file:
        file.seek(begin)
        for done in range(0, count, _BLOCK_BYTES):
            yield np.frombuffer(file.read(min(_BLOCK_BYTES, count - done)), np.uint8)
