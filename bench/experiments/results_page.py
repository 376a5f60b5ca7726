# SPDX-License-Identifier: Apache-2.0
"""Tables of the result pages. Each table stands between two markers; the command above it regenerates it."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "docs" / "results-compression.md", ROOT / "docs" / "library" / "results-library.md")
OUT = ROOT / "out" / "experiments"
sys.path.insert(0, str(ROOT / "bench"))  # for sentence_fidelity, which the demo uses as well


def experiment_parser(description: str | None, *, glue: bool = False, models: bool = False) -> argparse.ArgumentParser:
    """A parser with the options that experiments share: --update-docs and, if requested, --glue and --models.

    Also creates the folder OUT, which the experiments write to."""
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
    """A GitHub table with padded columns; columns of numbers (or empty cells) are right-aligned."""
    cells = [[str(cell) for cell in row] for row in rows]
    lines, rules = [list(header), *cells], []
    for i, column in enumerate(zip(*lines, strict=True)):
        width = max(3, *map(len, column))
        numeric = all(map(is_number, column[1:]))
        rules.append("-" * (width - 1) + ":" if numeric else "-" * width)
        for line in lines:
            line[i] = line[i].rjust(width) if numeric else line[i].ljust(width)
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rules, *lines[1:]])


def page_with(name: str) -> Path:
    """The one result page that has the markers `<!-- name -->` and `<!-- /name -->`, each once."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pages = [page for page in PAGES if begin in page.read_text(encoding="utf-8")]
    if len(pages) != 1:
        raise SystemExit(f"exactly one result page must have the marker {begin}, found {len(pages)}")
    text = pages[0].read_text(encoding="utf-8")
    if (text.count(begin), text.count(end)) != (1, 1):
        raise SystemExit(f"{pages[0].name} must have each of the markers {begin} and {end} once")
    return pages[0]


def published_table(name: str) -> str:
    """The table between the markers of `name`."""
    text = page_with(name).read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n", 1)[1].split(f"<!-- /{name} -->", 1)[0]


def machine() -> str:
    """The processor of this machine and the widest instructions of it that loewner uses."""
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", facts, re.MULTILINE)
    flags = facts.split()
    names = {"amx_int8": "AMX", "avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx2": "AVX2"}
    widest = next((text for flag, text in names.items() if flag in flags), "no AVX2")
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of an {model.group(1).strip() if model else 'unknown processor'} with {widest}"


def today_here() -> str:
    """The date and the machine."""
    return f"{date.today().isoformat()}, {machine()}"


def publish(name: str, table: str, update_docs: bool, measured: str = "") -> None:
    """Prints the table and, with update_docs, writes it between the markers of `name`, with date and machine.

    measured: when and where, of tables with stored rows; by default today and here.
    """
    print(table)
    if not update_docs:
        return
    page = page_with(name)
    before, rest = page.read_text(encoding="utf-8").split(f"<!-- {name} -->\n", 1)
    after = rest.split(f"<!-- /{name} -->", 1)[1]
    measured = measured or f"Measured {today_here()}."
    page.write_text(f"{before}<!-- {name} -->\n{table}\n\n{measured}\n<!-- /{name} -->{after}", encoding="utf-8")
