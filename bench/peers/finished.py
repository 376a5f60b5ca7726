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


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


@dataclass(frozen=True)
class Finished:
    """again: a regular expression; rows whose name it matches are measured anew, once. may_measure: whether what was
    not measured by these versions is, or stays as it was (or a row that says so)."""

    again: str | None = None
    may_measure: bool = True
    done: set[tuple[str, str]] = field(default_factory=set)

    def get(self, table: str, setting: Setting, measure: Callable[[], dict]) -> dict:
        """The row of a setting: as found by the same versions of its packages, or by measuring now.

        A setting whose package is not there gets the reason instead."""
        if why := setting.why_missing():
            return {"failed": f"not installed: {why}"}
        file = MEASURED / f"{table}.json"
        rows: dict[str, dict] = json.loads(file.read_text()) if file.exists() else {}
        found = rows.get(setting.name)
        if not self.may_measure:
            return found or {"failed": "not measured yet"}
        wanted = (
            self.again is not None and re.search(self.again, setting.name) and (table, setting.name) not in self.done
        )
        self.done.add((table, setting.name))
        if found is None or found["versions"] != setting.versions() or wanted:
            print(f"{table}: {setting.name}", file=sys.stderr, flush=True)
            found = {"versions": setting.versions(), "processor": processor(), **measure()}
            MEASURED.mkdir(exist_ok=True)
            written = file.with_suffix(".partial")
            written.write_text(json.dumps(rows | {setting.name: found}, indent=1) + "\n")
            written.replace(file)
        return found
