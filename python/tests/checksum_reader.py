# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the checksums of docs/format.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from numpy_reader import array_prefix
from safetensors import safe_open


def xxh64(data: bytes) -> str:
    """XXH64 with seed 0 (docs/format.md)."""
    mask = 2**64 - 1
    p1, p2, p3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
    p4, p5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

    def rotated(x: int, bits: int) -> int:
        return (x << bits | x >> (64 - bits)) & mask

    def mixed(lane: int, word: int) -> int:
        return rotated((lane + word * p2) & mask, 31) * p1 & mask

    value, whole = p5, len(data) // 32 * 32
    if whole:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        for at in range(0, whole, 8):
            lane = at // 8 % 4
            lanes[lane] = mixed(lanes[lane], int.from_bytes(data[at : at + 8], "little"))
        value = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & mask
        for lane in lanes:
            value = ((value ^ mixed(0, lane)) * p1 + p4) & mask
    value, rest = (value + len(data)) & mask, data[whole:]
    while len(rest) >= 8:
        value = (rotated(value ^ mixed(0, int.from_bytes(rest[:8], "little")), 27) * p1 + p4) & mask
        rest = rest[8:]
    if len(rest) >= 4:
        value = (rotated(value ^ int.from_bytes(rest[:4], "little") * p1 & mask, 23) * p2 + p3) & mask
        rest = rest[4:]
    for byte in rest:
        value = rotated(value ^ byte * p5 & mask, 11) * p1 & mask
    value = (value ^ value >> 33) * p2 & mask
    value = (value ^ value >> 29) * p3 & mask
    return f"{value ^ value >> 32:016x}"


def canonical(value: Any) -> bytes:
    """The canonical text of a JSON value, whose floats are as Python writes them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def checksums(folder: Path) -> dict[str, Any]:
    """The field `checksums` of a folder with one weight file, computed again; `files` only if they have some."""
    config = json.loads((folder / "config.json").read_text())
    quantization = config.pop("quantization_config")
    stated = quantization["checksums"]
    others = {name: value for name, value in stated.items() if name != "specification"}
    found: dict[str, Any] = {"specification": xxh64(canonical({**quantization, "checksums": others})), "tensors": {}}
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        for name, spec in quantization["tensors"].items():
            prefix = array_prefix(name, spec)
            arrays = sorted(n for n in list(file.keys()) if n.startswith(prefix) and "." not in n.removeprefix(prefix))
            found["tensors"][name] = xxh64(b"".join(file.get_tensor(array).tobytes() for array in arrays))
    if "config" in stated:
        found["config"] = xxh64(canonical(config))
    if "files" in stated:
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        left_out = ("config.json", "README.md")
        found["files"] = {name: xxh64((folder / name).read_bytes()) for name in names if name not in left_out}
    return found
