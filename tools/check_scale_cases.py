# SPDX-License-Identifier: Apache-2.0
"""Checks that every public solver has a case in tests/property/ROOM/scale_test.cpp.

A solver is a function or a class of the numerical rooms that computes from entries of its input. The others are listed
in NO_ENTRIES.
"""

from __future__ import annotations

import re
from pathlib import Path

from check_docstrings import public_headers, read_header
from tracked_files import ROOT, Offense, exit_with

ROOMS = ("linalg", "sketch", "norms", "lowrank", "regression", "cluster", "attention")

# Functions and classes that compute nothing from entries, or only multiply by them.
NO_ENTRIES = {
    "blas_library",
    "default_nonzeros",
    "embedding_for_distortion",
    "gram_bytes",
    "gram_float32",  # float32 sums by its contract: callers choose it for inputs of ordinary size
    "is_krylov_cheaper",
    "label_budget",
    "parse_label_plan",
    "read_rows_wide",
    "require_finite",
    "sample_rows_by_energy",  # draws by energies that are given; sampled_singular_values runs it
    "schatten_plan",
    "sketch_rows_for",
    "to_csv",
    "to_string",
    "CsrView",
    "LinearOperator",
    "Loss",
    "MatrixOperator",
    "ProductOperator",
    "ProjectedRows",
    "ResidualOperator",
    "RowMatrix",
}
CLASS = re.compile(r"^class (\w+)[^;]*$", re.MULTILINE)
CASE = re.compile(r'\{"(\w+)')


def solvers(headers: dict[str, str]) -> dict[str, tuple[str, int]]:
    """Name of each public function and class of the numerical rooms -> its header and line."""
    found = {}
    for path, source in headers.items():
        if path.split("/")[2] not in ROOMS:
            continue
        for function in read_header(path, source).functions:
            found[function.name] = (path, function.line)
        for match in CLASS.finditer(source):
            found[match.group(1)] = (path, source[: match.start()].count("\n") + 1)
    return found


def check(headers: dict[str, str], tests: dict[str, str], exempt: set[str]) -> list[Offense]:
    cases = {name for source in tests.values() for name in CASE.findall(source)}
    public = solvers(headers)
    offenses = [
        Offense(*place, f"{name} has no case in tests/property/{place[0].split('/')[2]}/scale_test.cpp")
        for name, place in public.items()
        if name not in cases | exempt
    ]
    offenses += [
        Offense("tools/check_scale_cases.py", 1, f"{name} is no public function or class")
        for name in sorted((exempt | cases) - set(public))
    ]
    return offenses


def scale_tests(root: Path) -> dict[str, str]:
    paths = [root / "tests" / "property" / room / "scale_test.cpp" for room in ROOMS]
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}


def main() -> None:
    headers = public_headers(ROOT)
    exit_with(
        check(headers, scale_tests(ROOT), NO_ENTRIES), f"cases of scale ({len(solvers(headers))} functions and classes)"
    )


if __name__ == "__main__":
    main()
