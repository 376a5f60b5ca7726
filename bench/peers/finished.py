# SPDX-License-Identifier: Apache-2.0
"""Finished rows, a JSON file for each table in bench/peers/measured: what the published tables were made of.

They are part of the repository, so that a run that is cut off goes on, on another machine too, and one row can be
measured again. A row holds the versions that it belongs to and the processor that it ran on.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from peer import ROOT, Setting

MEASURED = ROOT / "bench" / "peers" / "measured"
Measure = Callable[[dict | None], dict]


def processor() -> str:
    """With family and model: the names that virtual machines give say little."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return " ".join(
        [said.get("model name", ""), *(f"{key} {said[key]}" for key in ("cpu family", "model") if key in said)]
    )


def rows_of(table: str) -> dict[str, dict]:
    file = MEASURED / f"{table}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def write_rows(table: str, rows: dict[str, dict]) -> None:
    MEASURED.mkdir(exist_ok=True)
    written = MEASURED / f"{table}.partial"
    written.write_text(json.dumps(rows, indent=1) + "\n")
    written.replace(MEASURED / f"{table}.json")


@dataclass(frozen=True)
class Finished:
    """again: a regular expression; rows whose name it matches are measured anew, once. may_measure: whether what was
    not measured by these versions is, or stays as it was (or a row that says so)."""

    again: str | None = None
    may_measure: bool = True
    done: set[tuple[str, str]] = field(default_factory=set)

    def get(self, table: str, setting: Setting, measure: Measure, *, here: bool = False) -> dict:
        """The row of a setting: as found by the same versions of its packages (here: and on this processor, for tables
        that compare times between rows), or by measuring now.

        measure: is handed the row as it was found, nothing where all of it is wanted anew. A setting whose package is
        not there gets the reason instead."""
        if why := setting.why_missing():
            return {"failed": f"not installed: {why}"}
        found = rows_of(table).get(setting.name)
        if not self.may_measure:
            return found or {"failed": "not measured yet"}
        wanted = (
            self.again is not None and re.search(self.again, setting.name) and (table, setting.name) not in self.done
        )
        self.done.add((table, setting.name))
        elsewhere = here and found is not None and found["processor"] != processor()
        if found is None or found["versions"] != setting.versions() or elsewhere or wanted:
            print(f"{table}: {setting.name}", file=sys.stderr, flush=True)
            found = {"versions": setting.versions(), "processor": processor(), **measure(None if wanted else found)}
            write_rows(table, rows_of(table) | {setting.name: found})
        return found
