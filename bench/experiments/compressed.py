# SPDX-License-Identifier: Apache-2.0
"""Runs the command line tool for an experiment and returns its output as a dense model."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from results_page import OUT

TOOL = os.environ.get("LOEWNER_TOOL", str(Path(sys.executable).parent / "loewner"))


def weights_digest(folder: Path) -> str:
    """A cache key for results that depend on the weights alone."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


@dataclass(frozen=True)
class Compressed:
    """The output of a run: a dense folder that transformers loads or the encoded one, and its report."""

    folder: Path
    tensors: list[dict]  # their reports
    totals: dict
    calibration: dict | None = None  # what calibration with a text predicted and measured

    @property
    def table(self) -> dict:
        return self.tensors[0]

    def digest(self) -> str:
        return weights_digest(self.folder)


@contextmanager
def compressed(model: Path, *options: str, expand: bool = True) -> Iterator[Compressed]:
    """Runs `loewner compress` in a temporary folder, which is removed when the block ends, and `loewner expand` unless
    the encoded folder is wanted."""
    with tempfile.TemporaryDirectory(dir=OUT) as name:
        scratch = Path(name)
        encoded, dense, report = scratch / "encoded", scratch / "dense", scratch / "report.json"
        run = [TOOL, "compress", str(model), "-o", str(encoded), "--quiet", "--json", str(report), *options]
        subprocess.run(run, check=True)
        if expand:
            subprocess.run([TOOL, "expand", str(encoded), "-o", str(dense), "--quiet"], check=True)
        content = json.loads(report.read_text())
        yield Compressed(
            dense if expand else encoded, content["tensors"], content["totals"], content.get("calibration")
        )


class ResultCache:
    """Results of slow evaluations in a JSON file, saved after each, so that an interrupted experiment can resume."""

    def __init__(self, name: str) -> None:
        self.file = OUT / f"{name}.json"
        self.values: dict = json.loads(self.file.read_text()) if self.file.exists() else {}

    def get(self, key: str, compute: Callable[[], dict]) -> dict:
        if key not in self.values:
            self.values[key] = compute()
            self.file.write_text(json.dumps(self.values, indent=1))
        return self.values[key]
