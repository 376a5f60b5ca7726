# SPDX-License-Identifier: Apache-2.0
"""Compiles each source and each header of include/ and src/ by itself, without generating code.

A header that some source includes first is compiled with that source. Release builds compile the files of a room
together, so that a missing include or an unused function may pass there. Files that begin with a header which reads
nlohmann-json get that library precompiled, which is half of their time: all that it declares is visible to them anyway.
CXX names the compiler; the header-only libraries must be installed on the system.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
# As in CMakeLists.txt; vectors are passed between inlined functions only.
FLAGS += ["-ffp-contract=off", "-Wno-psabi", '-DLOEWNER_VERSION="0"']


INCLUDE = re.compile(r'^#include\s+[<"](\S+)[>"]', re.MULTILINE)
JSON = "nlohmann/json.hpp"


def compiler() -> list[str]:
    return [os.environ.get("CXX", "g++"), *FLAGS]


def precompiled_json(folder: Path) -> Path:
    """A header that includes nlohmann-json, beside what the compiler makes of it."""
    header = folder / "json.hpp"
    header.write_text(f"#include <{JSON}>\n", encoding="utf-8")
    command = [flag for flag in compiler() if flag != "-fsyntax-only"]
    subprocess.run([*command, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)
    return header


def compile_alone(root: Path, path: Path, before: Path | None) -> str:
    """The compiler's messages for a file; empty if it compiles. A header is included by an empty file."""
    command = [*compiler(), f"-I{root / 'include'}", f"-I{root / 'src'}", "-x", "c++"]
    command += [] if before is None else ["-include", str(before)]
    if path.suffix == ".cpp":
        result = subprocess.run([*command, str(path)], capture_output=True, text=True)
    else:
        result = subprocess.run([*command, "-"], input=f'#include "{path}"\n', capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def first_include(source: Path) -> str | None:
    match = INCLUDE.search(source.read_text(encoding="utf-8"))
    return match.group(1) if match else None


def begins_with_json(root: Path, path: Path) -> bool:
    """Whether a header, or the header that a source includes first, reads nlohmann-json."""
    read: set[str] = set()
    left = [first_include(path) or ""] if path.suffix == ".cpp" else INCLUDE.findall(path.read_text(encoding="utf-8"))
    while left:
        name = left.pop()
        if name in read:
            continue
        read.add(name)
        for header in (root / "include" / name, root / "src" / name):
            if header.is_file():
                left += INCLUDE.findall(header.read_text(encoding="utf-8"))
    return JSON in read


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
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        with_json = {path for path in files if begins_with_json(root, path)}
        json = precompiled_json(Path(folder)) if with_json else None
        results = list(pool.map(lambda path: compile_alone(root, path, json if path in with_json else None), files))
    offenses = [
        Offense(str(path.relative_to(root)), 1, f"does not compile by itself:\n{messages}")
        for path, messages in zip(files, results, strict=True)
        if messages
    ]
    return offenses, count


if __name__ == "__main__":
    found, count = check_alone(ROOT)
    exit_with(found, f"{count} sources and headers, each compiled by itself")
