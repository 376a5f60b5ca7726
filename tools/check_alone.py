# SPDX-License-Identifier: Apache-2.0
"""Compiles each header of include/ and src/, and each micro benchmark, by itself.

No code is generated. The common standard headers are precompiled, which is more than half of the time;
tools/check_standard_headers.py finds those that a file lacks. A source may still lack a header of the project that
another file of its room includes: `cmake --workflow --preset dev` compiles each source by itself. CXX names the
compiler; the header-only libraries must be installed on the system.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
# As in CMakeLists.txt; vectors are passed between inlined functions only.
FLAGS += ["-ffp-contract=off", "-Wno-psabi", '-DLOEWNER_VERSION="0"']
COMMON_OF_ROOMS = ROOT / "cmake" / "LoewnerRooms.cmake"


def compiler(root: Path) -> list[str]:
    return [os.environ.get("CXX", "g++"), *FLAGS, f"-I{root / 'include'}", f"-I{root / 'src'}", f"-I{root / 'tests'}"]


def precompiled_headers(root: Path, folder: Path) -> Path:
    """A header that includes the standard ones that builds precompile, beside what the compiler makes of it."""
    header = folder / "common.hpp"
    names = re.findall(r"<(\w+)>", COMMON_OF_ROOMS.read_text(encoding="utf-8"))
    header.write_text("".join(f"#include <{name}>\n" for name in names), encoding="utf-8")
    subprocess.run([*compiler(root), "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)
    return header


def compile_alone(root: Path, file: Path, common: Path) -> str:
    """The compiler's messages for a source that includes the file only; empty if it compiles."""
    command = [*compiler(root), "-include", str(common), "-fsyntax-only", "-x", "c++", "-"]
    result = subprocess.run(command, input=f'#include "{file}"\n', capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr


def check_alone(root: Path) -> tuple[list[Offense], int]:
    """Files that do not compile, and the number of all files."""
    files = sorted(path for top in ("include", "src") for path in (root / top).rglob("*.hpp"))
    files += sorted((root / "bench" / "micro").glob("*.cpp"))  # no build of CI has these
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        common = precompiled_headers(root, Path(folder))
        results = list(pool.map(lambda file: compile_alone(root, file, common), files))
    offenses = [
        Offense(str(file.relative_to(root)), 1, f"does not compile by itself:\n{messages}")
        for file, messages in zip(files, results, strict=True)
        if messages
    ]
    return offenses, len(files)


if __name__ == "__main__":
    found, count = check_alone(ROOT)
    exit_with(found, f"{count} files, each compiled by itself")
