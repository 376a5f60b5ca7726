# SPDX-License-Identifier: Apache-2.0
"""Tables of docs/results.md: each lies between two markers and is replaced by the command that is named beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
OUT = ROOT / "out" / "experiments"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A GitHub table, its columns padded to equal width; the first column to the left, numbers to the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "| " + " | ".join([row[0].ljust(widths[0]), *padded]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def publish(name: str, table: str, update_docs: bool) -> None:
    """Prints the table; with update_docs also puts it between the markers `<!-- name -->` and `<!-- /name -->`."""
    print(table)
    if not update_docs:
        return
    marked = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    page, replaced = marked.subn(lambda match: f"{match[1]}{table}\n{match[2]}", PAGE.read_text(encoding="utf-8"))
    if replaced != 1:
        raise SystemExit(f"{PAGE.name} must have the markers of '{name}' once, found {replaced} pairs")
    PAGE.write_text(page, encoding="utf-8")
