# SPDX-License-Identifier: Apache-2.0
"""Checks that each source and header of include/ and src/ reaches the standard header of each standard name it uses,
by its own includes and those of the project's headers.

Precompiled headers, and the other files of a room, make every standard name visible; a compiler that reads a file by
itself finds only what the includes of its own standard library do not bring along.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with, tracked_files

# Names without one header of their own, such as size_t, swap and move, are left out.
NAMES = {
    "algorithm": "all_of clamp copy copy_n equal fill fill_n find_if max max_element min partial_sort ranges reverse "
    "unique",
    "array": "array",
    "atomic": "atomic memory_order_relaxed",
    "bit": "bit_cast bit_floor bit_width countr_zero popcount rotl",
    "cctype": "isdigit isspace tolower",
    "charconv": "from_chars to_chars",
    "chrono": "chrono",
    "cmath": "abs cbrt ceil copysign cos exp exp2 floor fmax frexp hypot ilogb isfinite isinf isnan ldexp lerp llround "
    "log log1p log2 lround nan nextafter pow round scalbn sin sqrt trunc",
    "complex": "complex",
    "condition_variable": "condition_variable",
    "cstdint": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t",
    "cstdio": "snprintf",
    "cstdlib": "aligned_alloc free getenv",
    "cstring": "memcpy strerror",
    "exception": "current_exception exception exception_ptr rethrow_exception",
    "filesystem": "filesystem",
    "fstream": "ifstream",
    "functional": "function greater less minus negate",
    "limits": "numeric_limits",
    "map": "map",
    "memory": "make_shared make_unique shared_ptr unique_ptr",
    "mutex": "call_once lock_guard mutex once_flag unique_lock",
    "numbers": "numbers",
    "numeric": "accumulate inner_product iota partial_sum",
    "optional": "nullopt optional",
    "random": "random_device",
    "regex": "regex regex_error regex_search",
    "set": "set",
    "span": "as_bytes as_writable_bytes span",
    "sstream": "istringstream",
    "stdexcept": "invalid_argument runtime_error",
    "string": "getline stoul string to_string",
    "string_view": "string_view",
    "system_error": "errc error_code generic_category",
    "thread": "jthread this_thread thread",
    "type_traits": "conditional_t is_base_of_v is_const_v is_same_v is_trivially_copyable_v remove_const_t "
    "remove_cvref_t type_identity_t",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "utility": "as_const exchange pair",
    "variant": "variant visit",
    "vector": "vector",
}
HEADER_OF = {name: header for header, names in NAMES.items() for name in names.split()}
INCLUDE = re.compile(r'^#include [<"]([^">]+)[">]', re.MULTILINE)


class Includes:
    """What the files of a folder include, directly and through each other."""

    def __init__(self, root: Path) -> None:
        self._folders = (root / "include", root / "src")

    @cache  # noqa: B019 - lives as long as the program
    def reached_from(self, path: Path) -> frozenset[str]:
        found = set(INCLUDE.findall(path.read_text(encoding="utf-8")))
        for name in list(found):
            for header in (folder / name for folder in self._folders):
                if header.is_file():
                    found |= self.reached_from(header)
        return frozenset(found)


def offenses_of(root: Path, name: Path, includes: Includes) -> list[Offense]:
    """At the first use of each name whose header is not reached."""
    reached = includes.reached_from(root / name)
    missing: dict[str, Offense] = {}
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
        for used in re.findall(r"\bstd::(\w+)", line.partition("//")[0]):
            header = HEADER_OF.get(used)
            if header and header not in reached:
                missing.setdefault(header, Offense(str(name), number, f"std::{used} needs #include <{header}>"))
    return list(missing.values())


def check(root: Path) -> tuple[list[Offense], int]:
    files = tracked_files(root, "include/**.hpp", "src/**.hpp", "src/**.cpp")
    includes = Includes(root)
    return [offense for name in files for offense in offenses_of(root, name, includes)], len(files)


if __name__ == "__main__":
    found, count = check(ROOT)
    exit_with(found, f"standard headers of {count} sources and headers")
