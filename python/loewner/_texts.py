# SPDX-License-Identifier: Apache-2.0
"""Calibration texts: that of the package, and files of the user."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

MOST_LINES = 100_000  # of a text file; more do not help
MOST_BYTES = 1 << 26  # of a text file that are read
LONGEST_LINE = 20_000  # characters


def package_text() -> list[str]:
    """The lines of the calibration text that comes with the package."""
    folder = files("loewner") / "calibration_text"
    texts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".txt")), key=lambda entry: entry.name)
    return [line for text in texts for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]


def has_tokenizer(folder: Path) -> bool:
    """Whether a model folder has files of a tokenizer; transformers would make one without words."""
    return any(any(folder.glob(pattern)) for pattern in ("*token*", "vocab*", "*.model"))


def lines_of(path: Path) -> list[str]:
    """The lines of a text file that are not empty, at most MOST_LINES of them, of its first MOST_BYTES bytes."""
    lines = list(_stripped_lines(path))
    if not lines:
        raise ValueError(f"{path}: expected at least one line that is not empty")
    return lines


def _stripped_lines(path: Path) -> Iterator[str]:
    count = size = 0
    with path.open("rb") as file:
        while count < MOST_LINES and size < MOST_BYTES and (raw := file.readline(4 * LONGEST_LINE)):
            size += len(raw)
            if b"\0" in raw:
                raise ValueError(f"{path}: expected a text file, found a zero byte")
            line = raw.decode("utf-8", errors="replace").strip()[:LONGEST_LINE]
            if line:
                count += 1
                yield line
