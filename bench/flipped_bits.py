# SPDX-License-Identifier: Apache-2.0
"""Flips single bits of a compressed model and counts those that `loewner verify` does not find.

    python bench/flipped_bits.py OUT --flips 2000

Half of the bits are drawn from all bytes of OUT, half from a file drawn first, so that small files are hit too.
README.md is left out: users edit it. OUT is copied and stays as it is.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import loewner


def is_found(folder: Path) -> bool:
    try:
        return not loewner.verify(folder).holds
    except (OSError, ValueError):
        return True


def flip(file: Path, bit: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(bit // 8)
        byte = stream.read(1)[0]
        stream.seek(bit // 8)
        stream.write(bytes([byte ^ 1 << bit % 8]))


def drawn_bits(files: list[Path], count: int, seed: int) -> list[tuple[Path, int]]:
    draw = random.Random(seed)
    sizes = [file.stat().st_size for file in files]
    chosen = draw.choices(files, sizes, k=count // 2) + draw.choices(files, k=count - count // 2)
    return [(file, draw.randrange(8 * file.stat().st_size)) for file in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--flips", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "out")
        shutil.copytree(arguments.out, folder)
        if is_found(folder):
            raise SystemExit(f"{arguments.out}: verification fails before any flip")
        files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "README.md")
        files = [file for file in files if file.stat().st_size > 0]
        tried: Counter[Path] = Counter()
        unnoticed: Counter[Path] = Counter()
        for file, bit in drawn_bits(files, arguments.flips, arguments.seed):
            flip(file, bit)
            tried[file] += 1
            unnoticed[file] += not is_found(folder)
            flip(file, bit)
        for file in files:
            print(f"{unnoticed[file]:6} of {tried[file]:6}  {file.relative_to(folder)}")
        print(f"{unnoticed.total():6} of {tried.total():6}  flipped bits were not found")


if __name__ == "__main__":
    main()
