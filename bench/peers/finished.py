# SPDX-License-Identifier: Apache-2.0
"""Finished rows, one JSON file each, so that a run that is cut off goes on and one row can be measured again."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from peer import ROOT, Setting

ROWS = ROOT / "out" / "peers"


@dataclass(frozen=True)
class Finished:
    """again: a regular expression; rows whose name it matches are measured anew, once. may_measure: whether what was
    not measured yet is, or stays a row that says so."""

    again: str | None = None
    may_measure: bool = True
    done: set[str] = field(default_factory=set)

    def get(self, table: str, setting: Setting, measure: Callable[[], dict]) -> dict:
        """The row of a setting: as found by the same versions of its packages, or by measuring now.

        A setting whose package is not there gets the reason instead."""
        if why := setting.why_missing():
            return {"failed": f"not installed: {why}"}
        key = json.dumps([table, setting.name, setting.versions()], sort_keys=True)
        file = ROWS / f"{table}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        wanted = self.again is not None and re.search(self.again, setting.name) and file.name not in self.done
        self.done.add(file.name)
        if not file.exists() and not self.may_measure:
            return {"failed": "not measured yet"}
        if not file.exists() or wanted:
            print(f"{table}: {setting.name}", file=sys.stderr, flush=True)
            row = measure()
            ROWS.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"name": setting.name, "versions": setting.versions(), **row}, indent=1) + "\n")
        return dict(json.loads(file.read_text()))
