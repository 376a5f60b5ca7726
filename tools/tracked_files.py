# SPDX-License-Identifier: Apache-2.0
"""Shared by the checks in this folder: the files of the repository, and how a check reports and exits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Offense(NamedTuple):
    """One violation of a rule."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def tracked_files(root: Path, *patterns: str) -> list[Path]:
    """Tracked and new files, without ignored ones, relative to `root`; files deleted on disk are left out."""
    command = ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(Path(name) for name in set(names) if (root / name).is_file())


def exit_with(offenses: Iterable[Offense], summary: str) -> None:
    """Prints the offenses and the summary; exit code 1 if there are any offenses."""
    found = sorted(offenses)
    for offense in found:
        print(offense)
    print(f"{summary}: {len(found)} offenses" if found else f"{summary}: clean")
    sys.exit(1 if found else 0)
