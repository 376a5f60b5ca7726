# SPDX-License-Identifier: Apache-2.0
"""Checks the order of the rooms: a room includes only itself and rooms before it in LOEWNER_ROOMS (CMakeLists.txt).

Public headers (include/loewner/ROOM/) include no private ones (src/ROOM/), and every quoted include is written from
the root: "loewner/ROOM/x.hpp" or "ROOM/x.hpp".
"""

from __future__ import annotations

import re
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def rooms_of(root: Path) -> list[str]:
    """The rooms in their order, as CMakeLists.txt lists them."""
    match = re.search(r"set\(LOEWNER_ROOMS\s+([^)]*)\)", (root / "CMakeLists.txt").read_text(encoding="utf-8"))
    if match is None:
        raise SystemExit("check_rooms: CMakeLists.txt must set LOEWNER_ROOMS")
    return match.group(1).split()


def violation(included: str, room: str, public: bool, rooms: list[str]) -> str | None:
    """What is wrong with an include in a file of `room`; None if nothing is."""
    parts = included.split("/")
    if parts[0] == "loewner":
        parts = parts[1:]
    elif public:
        return f'a public header includes the private header "{included}"'
    if len(parts) < 2 or parts[0] not in rooms:
        return f'expected "loewner/ROOM/x.hpp" or "ROOM/x.hpp", got "{included}"'
    if rooms.index(parts[0]) > rooms.index(room):
        return f'room {room} must not use room {parts[0]}, which comes after it, got "{included}"'
    return None


def check_rooms(root: Path) -> list[Offense]:
    rooms = rooms_of(root)
    offenses = []
    for public, top in ((True, root / "include" / "loewner"), (False, root / "src")):
        for path in sorted(top.rglob("*.[hc]pp")):
            name, parts = str(path.relative_to(root)), path.relative_to(top).parts
            if len(parts) != 2 or parts[0] not in rooms:
                offenses.append(Offense(name, 1, "expected a file of a room in LOEWNER_ROOMS (CMakeLists.txt)"))
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                include = INCLUDE.match(line)
                if include and (message := violation(include.group(1), parts[0], public, rooms)):
                    offenses.append(Offense(name, number, message))
    return offenses


if __name__ == "__main__":
    exit_with(check_rooms(ROOT), "order of rooms")
