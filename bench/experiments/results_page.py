# SPDX-License-Identifier: Apache-2.0
"""Tables of docs/results.md: each lies between two markers and is replaced by the command that is named beside it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
OUT = ROOT / "out" / "experiments"


def experiment_parser(description: str | None, *, glue: bool = False, models: bool = False) -> argparse.ArgumentParser:
    """The options that experiments share: --update-docs, and where they read them --glue and --models.

    Makes the folder OUT that they write to."""
    OUT.mkdir(parents=True, exist_ok=True)
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if glue:
        tasks = ROOT.parent / "shared" / "glue"
        parser.add_argument("--glue", type=Path, default=tasks, help="folder of the GLUE tasks")
    if models:
        parser.add_argument("--models", type=Path, default=ROOT / "out" / "models", help="folder of fine-tuned models")
    parser.add_argument("--update-docs", action="store_true", help="write tables and plots into docs/")
    return parser


def is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.]*(e[-+]?\d+)?", cell) is not None


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A GitHub table with padded columns: those of numbers (or nothing) to the right, the others to the left."""
    cells = [[str(cell) for cell in row] for row in rows]
    lines, rules = [list(header), *cells], []
    for i, column in enumerate(zip(*lines, strict=True)):
        width = max(3, *map(len, column))
        numeric = all(map(is_number, column[1:]))
        rules.append("-" * (width - 1) + ":" if numeric else "-" * width)
        for line in lines:
            line[i] = line[i].rjust(width) if numeric else line[i].ljust(width)
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rules, *lines[1:]])


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
