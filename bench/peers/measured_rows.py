# SPDX-License-Identifier: Apache-2.0
"""Measured rows of the published tables, one JSON file per table in bench/peers/measured.

The files are part of the repository, so that an interrupted run can resume, also on another machine, and single rows
can be measured again. A row holds the versions of its packages and the processor that it ran on.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from peer import ROOT, Setting
from results_page import today_here

MEASURED = ROOT / "bench" / "peers" / "measured"
NOT_MEASURED = "not measured yet"
Measure = Callable[[dict | None], dict]


def processor() -> str:
    """Name, family and model of the processor; in virtual machines the name alone says little."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return " ".join(
        [fields.get("model name", ""), *(f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields)]
    )


def rows_of(table: str) -> dict[str, dict]:
    file = MEASURED / f"{table}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def write_rows(table: str, rows: dict[str, dict]) -> None:
    MEASURED.mkdir(exist_ok=True)
    written = MEASURED / f"{table}.partial"
    written.write_text(json.dumps(rows, indent=1) + "\n")
    written.replace(MEASURED / f"{table}.json")


def provenance(table: str) -> str:
    """When and where the rows of a table were measured: most of them, then the others by name."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name, row in rows_of(table).items():
        groups[row.get("measured") or f"on {row['processor']}"].append(name)
    most, *others = sorted(groups, key=lambda stamp: -len(groups[stamp]))
    sentences = [f"Measured {most}.", *(f"Measured {stamp}: {', '.join(groups[stamp])}." for stamp in others)]
    return textwrap.fill(" ".join(sentences), 100, break_on_hyphens=False)


@dataclass(frozen=True)
class MeasuredRows:
    """The store of measured rows.

    again: a regular expression; rows with a matching name are measured again, once, and others stay as they are stored.
    may_measure: if false, stored rows are returned even if they belong to other versions, and missing rows say
    NOT_MEASURED."""

    again: str | None = None
    may_measure: bool = True
    done: set[tuple[str, str]] = field(default_factory=set)

    def get(self, table: str, setting: Setting, measure: Measure, *, same_processor: bool = False) -> dict:
        """The row of a setting: the stored one if the versions of its packages are the same or others are measured
        again, else a new measurement.

        same_processor: the processor must be the same as well, for tables that compare times between rows. measure:
        receives the stored row, or None if the row is to be measured again. A setting whose package is missing gets the
        reason."""
        if why := setting.why_missing():
            return {"failed": f"not installed: {why}"}
        found = rows_of(table).get(setting.name)
        if not self.may_measure:
            return found or {"failed": NOT_MEASURED}
        wanted = (
            self.again is not None and re.search(self.again, setting.name) and (table, setting.name) not in self.done
        )
        self.done.add((table, setting.name))
        elsewhere = same_processor and found is not None and found["processor"] != processor()
        old = self.again is None and found is not None and (found["versions"] != setting.versions() or elsewhere)
        if found is None or old or wanted:
            print(f"{table}: {setting.name}", file=sys.stderr, flush=True)
            stamp = {"versions": setting.versions(), "processor": processor(), "measured": today_here()}
            found = {**stamp, **measure(None if wanted else found)}
            write_rows(table, rows_of(table) | {setting.name: found})
        return found
