# SPDX-License-Identifier: Apache-2.0
"""Compiles each source and each header of include/ and src/ by itself, without generating code.

Release builds compile the files of a room together, so that a missing include or an unused function may pass there.
CXX names the compiler; the header-only libraries must be installed on the system.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
# As in CMakeLists.txt; vectors are passed between inlined functions only.
FLAGS += ["-ffp-contract=off", "-Wno-psabi", '-DLOEWNER_VERSION="0"']


def compile_alone(root: Path, path: Path) -> str:
    """The compiler's messages for a file; empty if it compiles. A header is included by an empty file."""
    compiler = [os.environ.get("CXX", "g++"), *FLAGS, f"-I{root / 'include'}", f"-I{root / 'src'}", "-x", "c++"]
    if path.suffix == ".cpp":
        result = subprocess.run([*compiler, str(path)], capture_output=True, text=True)
    else:
        result = subprocess.run([*compiler, "-"], input=f'#include "{path}"\n', capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def check_alone(root: Path) -> tuple[list[Offense], int]:
    """Files that do not compile, and the number of all files."""
    files = [path for top in ("include", "src") for path in sorted((root / top).rglob("*.[hc]pp"))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: compile_alone(root, path), files))
    offenses = [
        Offense(str(path.relative_to(root)), 1, f"does not compile by itself:\n{messages}")
        for path, messages in zip(files, results, strict=True)
        if messages
    ]
    return offenses, len(files)


if __name__ == "__main__":
    found, count = check_alone(ROOT)
    exit_with(found, f"{count} sources and headers, each compiled by itself")
