# SPDX-License-Identifier: Apache-2.0
"""A small model whose tokenizer has malicious tokens, its encoded folder, and readers of the report page."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import fault_tools as ft
import numpy as np
from loewner.reporting.data import Report, Tensor

SVG = "{http://www.w3.org/2000/svg}"

NASTY = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&amp;", "\u202egnp", "\x07bell", "]]>"]
VOCABULARY = ["[PAD]", "[UNK]", *NASTY, *(f"w{i}" for i in range(392))]


def original(folder: Path) -> Path:
    """The malicious tokens have rows with large errors under every method."""
    arrays = ft.tensors()
    random = np.random.default_rng(5)
    arrays[ft.TABLE][2 : 2 + len(NASTY)] = 0.01 * random.standard_normal((len(NASTY), 32))
    arrays["encoder.layer.0.attention.self.query.weight"] = ft.table(64, 32, seed=3)
    model = ft.write_model(folder, arrays)
    (model / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return model


def model_and_output(folder: Path, *options: str) -> tuple[Path, Path]:
    model, output = original(folder / "model"), folder / "out"
    done = ft.run("compress", model, "-o", output, *(options or ("--all", "--text", "none", "--bits", "5")))
    assert done.returncode == 0, done.stderr
    return model, output


def write_evaluation(file: Path, model: str = "out") -> Path:
    """A file as `loewner eval --json` writes it for two models."""
    score = {"value": 0.8671, "low": 0.85, "high": 0.88}
    first = {"model": "a/base", "task": "STS-B", "count": 1500, "scores": {"spearman": score}}
    first |= {"differences": None, "fidelity": None, "tokens_per_second": 1.0, "resident_bytes": 1}
    difference = {"value": -0.0012, "low": -0.003, "high": 0.001}
    fidelity = {"measure": "cosine", "mean": 0.9987, "quantile": 0.99}
    second = first | {"model": f"b/{model}", "differences": {"spearman": difference}, "fidelity": fidelity}
    file.write_text(json.dumps([first, second]))
    return file


def points_of(text: str) -> Iterator[tuple[str, str, float, float]]:
    """(chart, series, x, y) of each point in the drawings of a page or file."""
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        root = ElementTree.fromstring(svg)
        key = str(root.get("aria-labelledby")).partition("-title")[0]
        for group in root.iter(f"{SVG}g"):
            for point in group.findall(f"{SVG}path[@data-x]"):
                yield key, str(group.get("data-series")), float(point.get("data-x", "")), float(point.get("data-y", ""))


def table_of(report: Report) -> Tensor:
    """The token table of a report."""
    return next(tensor for tensor in report.tensors if tensor.name == ft.TABLE)
