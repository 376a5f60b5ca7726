# SPDX-License-Identifier: Apache-2.0
"""Results of every_model_type.py: the file that keeps them, and docs/model-types.md."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import transformers
from loewner import CompressReport
from results_page import ROOT, markdown_table
from safetensors import safe_open

RIGHT, REFUSED, WRONG, NOT_BUILT = "right", "refused", "wrong", "not built"
PAGE = ROOT / "docs" / "model-types.md"
_NAMES = 3  # of tensors that are left alone, in a row of the table


@dataclass(frozen=True)
class Outcome:
    """What became of one model type.

    encoded: numbers of encoded tensors by role.
    left_alone: names of copied tensors with two dimensions or more; N stands for a number of a layer.
    share: of the entries of such tensors, those that are encoded.
    """

    result: str
    text: str
    encoded: dict[str, int] = field(default_factory=dict)
    left_alone: list[str] = field(default_factory=list)
    share: float = 0.0


class Results:
    """Outcomes by model type, in a file that is written after each of them."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self.outcomes: dict[str, Outcome] = {}
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["transformers"] == transformers.__version__:
                self.outcomes = {name: Outcome(**outcome) for name, outcome in stored["outcomes"].items()}

    def add(self, model_type: str, outcome: Outcome) -> None:
        with self._lock:
            self.outcomes[model_type] = outcome
            outcomes = {name: asdict(known) for name, known in sorted(self.outcomes.items())}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._path.with_suffix(".partial")
            text = json.dumps({"transformers": transformers.__version__, "outcomes": outcomes}, indent=1)
            partial.write_text(text, encoding="utf-8")
            partial.replace(self._path)


def contents(model: Path, report: CompressReport) -> tuple[dict[str, int], list[str], float]:
    """The fields of Outcome that describe an output."""
    roles = Counter(tensor.role for tensor in report.tensors)
    encoded = {tensor.name: prod(tensor.shape) for tensor in report.tensors}
    others = {name: prod(shape) for name, shape in _shapes(model).items() if len(shape) > 1 and name not in encoded}
    total = sum(encoded.values()) + sum(others.values())
    return dict(sorted(roles.items())), sorted({_pattern(name) for name in others}), sum(encoded.values()) / total


def _shapes(model: Path) -> dict[str, list[int]]:
    shapes = {}
    for path in model.glob("*.safetensors"):
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            shapes.update({name: file.get_slice(name).get_shape() for name in names})
    return shapes


def _pattern(name: str) -> str:
    return re.sub(r"(?<=\.)\d+(?=\.|$)", "N", name)


def summary(outcomes: Mapping[str, Outcome]) -> str:
    counts = Counter(outcome.result for outcome in outcomes.values())
    return (
        f"{len(outcomes)} model types of transformers {transformers.__version__}: {counts[RIGHT]} right, "
        f"{counts[REFUSED]} refused, {counts[WRONG]} wrong, {counts[NOT_BUILT]} cannot be built in a small form."
    )


def write(outcomes: Mapping[str, Outcome]) -> None:
    """Write docs/model-types.md."""
    rows = [_row(name, outcome) for name, outcome in sorted(outcomes.items())]
    table = markdown_table(["model type", "result", "encoded", "% of entries", "left alone"], rows)
    PAGE.write_text(_TEXT.format(summary=_wrapped(summary(outcomes)), table=table), encoding="utf-8")


def _wrapped(text: str) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > 100:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _row(name: str, outcome: Outcome) -> list[Any]:
    if outcome.result != RIGHT:
        return [name, outcome.result, "", "", ""]
    encoded = ", ".join(f"{count} {role.replace('_', ' ')}" for role, count in outcome.encoded.items())
    names = [f"`{name}`" for name in outcome.left_alone[:_NAMES]]
    more = len(outcome.left_alone) - _NAMES
    left = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    return [name, outcome.result, encoded, f"{100 * outcome.share:.0f}", left]


_TEXT = """# Model types

loewner needs no list of architectures: it finds the role of each tensor from its name, its shape
and the configuration. This page is a test of that rule. `make every-model-type TYPES=--update-docs`
makes each model type of transformers in a small form with random weights, compresses it with
`--all`, verifies and expands the output, loads it, saves it and loads it again. A type is right if
the parameters of the loaded model are those of the expanded one, and, for models that take token
ids, its outputs too.

{summary}

- *refused*: compress says why and writes nothing. Nearly all of these types have convolutions only.
- *not built*: transformers cannot make the type with small sizes, or cannot load what it saved.
- *encoded*: how many tensors, by role. *% of entries*: their share of the entries of all tensors
  with two dimensions or more. Small models have large tables, so the share is no measure of size.
- *left alone*: names of the other such tensors, copied as they are. `N` stands for the number of a
  layer. Messages of compress give the reasons. Besides convolutions, these are parameters that are
  not the weight of a layer.

{table}
"""
