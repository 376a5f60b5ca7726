# SPDX-License-Identifier: Apache-2.0
"""Compiles each source and each header of include/ and src/ by itself, without generating code.

A header that some source includes first is compiled with that source. Release builds compile the files of a room
together, so that a missing include or an unused function may pass there.
CXX names the compiler; the header-only libraries must be installed on the system.
"""

from __future__ import annotations

import os
import re
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


def first_include(source: Path) -> str | None:
    match = re.search(r'^#include\s+[<"](\S+)[>"]', source.read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else None


def files_to_compile(root: Path) -> tuple[list[Path], int]:
    """The sources with the headers that no source includes first, and the number of all files."""
    sources = sorted((root / "src").rglob("*.cpp"))
    headers = {path.relative_to(root / top): path for top in ("include", "src") for path in (root / top).rglob("*.hpp")}
    first = {first_include(source) for source in sources}
    left = [path for name, path in sorted(headers.items()) if str(name) not in first]
    return sources + left, len(sources) + len(headers)


def check_alone(root: Path) -> tuple[list[Offense], int]:
    """Files that do not compile, and the number of all files."""
    files, count = files_to_compile(root)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: compile_alone(root, path), files))
    offenses = [
        Offense(str(path.relative_to(root)), 1, f"does not compile by itself:\n{messages}")
        for path, messages in zip(files, results, strict=True)
        if messages
    ]
    return offenses, count


if __name__ == "__main__":
    found, count = check_alone(ROOT)
    exit_with(found, f"{count} sources and headers, each compiled by itself")
