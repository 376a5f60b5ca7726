# SPDX-License-Identifier: Apache-2.0
"""Checks the Markdown pages: lines of at most 100 columns, links that resolve, and the tree of docs/architecture.md.

Code blocks, tables and the targets of links may be longer. The tree must name every top-level folder that has tracked
files, every room of LOEWNER_ROOMS, and no folder that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from check_rooms import rooms_of
from tracked_files import ROOT, Offense, exit_with, tracked_files

MAX_COLUMNS = 100
ARCHITECTURE = "docs/architecture.md"
FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"(?<!\\)\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
TREE_LINE = re.compile(r"^(?P<indent>[\s│├└─|`+-]*)(?P<path>[\w.][\w./-]*)/(\s|$)")


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines outside fenced and indented code blocks."""
    fenced, after_blank, indented = False, True, False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
            continue
        if fenced:
            continue
        indented = line.startswith("    ") and (after_blank or indented) and not line.lstrip().startswith(("- ", "* "))
        after_blank = not line.strip()
        if not indented:
            yield number, line


def long_lines(name: str, text: str) -> list[Offense]:
    offenses = []
    for number, line in prose_lines(text):
        columns = len(LINK.sub("]", line))
        if columns > MAX_COLUMNS and not line.lstrip().startswith("|") and " " in line.strip():
            offenses.append(Offense(name, number, f"{columns} columns, at most {MAX_COLUMNS}"))
    return offenses


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found: set[str] = set()
    for _, line in prose_lines(text):
        if match := re.match(r"^#{1,6}\s+(.*?)\s*#*$", line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1))
            slug = re.sub(r"[^\w\- ]", "", title.lower().replace("`", "")).replace(" ", "-")
            while slug in found:
                slug += "-1"
            found.add(slug)
    return found


def broken_links(root: Path, name: str, text: str) -> list[Offense]:
    offenses = []
    for number, line in prose_lines(text):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"^[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (root / name).parent / path if path else root / name
            if not file.exists():
                offenses.append(Offense(name, number, f"the link target {target} does not exist"))
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                offenses.append(Offense(name, number, f"the page has no heading for the link {target}"))
    return offenses


def tree_of(text: str) -> list[tuple[int, str]]:
    """The folders of the first code block that has a line for src/: number of the line, and path from the root.

    A folder on an indented line lies in the last folder that is indented less.
    """
    for block in re.finditer(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if not re.search(r"^src/", block.group(1), re.MULTILINE):
            continue
        first = text[: block.start(1)].count("\n") + 1
        open_folders: list[tuple[int, str]] = []
        folders = []
        for number, line in enumerate(block.group(1).splitlines(), first):
            if match := TREE_LINE.match(line):
                indent = len(match.group("indent"))
                open_folders = [(i, path) for i, path in open_folders if i < indent]
                path = "/".join([*(path for _, path in open_folders[-1:]), match.group("path")])
                open_folders.append((indent, path))
                folders.append((number, path))
        return folders
    return []


def tree_offenses(root: Path) -> list[Offense]:
    tree = tree_of((root / ARCHITECTURE).read_text(encoding="utf-8"))
    if not tree:
        return [Offense(ARCHITECTURE, 1, "the page needs a code block with the tree of folders")]
    offenses = [
        Offense(ARCHITECTURE, number, f"{path}/ does not exist") for number, path in tree if not (root / path).is_dir()
    ]
    listed = {path for _, path in tree}
    top_level = {path.parts[0] for path in tracked_files(root) if len(path.parts) > 1}
    for folder in sorted(folder for folder in top_level if not folder.startswith(".")):
        if not any(path.split("/")[0] == folder for path in listed):
            offenses.append(Offense(ARCHITECTURE, tree[0][0], f"the tree lacks {folder}/"))
    for room in rooms_of(root):
        if not {f"src/{room}", f"include/loewner/{room}"} & listed:
            offenses.append(Offense(ARCHITECTURE, tree[0][0], f"the tree lacks the room {room}/"))
    rooms = [path.split("/")[-1] for path in (path for _, path in tree) if re.match(r"^src/\w+$", path)]
    if rooms != [room for room in rooms_of(root) if room in rooms]:
        offenses.append(
            Offense(ARCHITECTURE, tree[0][0], f"the rooms must come in the order of LOEWNER_ROOMS, got {rooms}")
        )
    return offenses


def check_documents(root: Path) -> list[Offense]:
    offenses = tree_offenses(root)
    for path in tracked_files(root, "*.md"):
        name, text = str(path), (root / path).read_text(encoding="utf-8")
        offenses += long_lines(name, text) + broken_links(root, name, text)
    return offenses


if __name__ == "__main__":
    exit_with(check_documents(ROOT), "documents")
