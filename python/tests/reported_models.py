# SPDX-License-Identifier: Apache-2.0
"""A small model with a tokenizer whose tokens mean no good, and its output."""

from __future__ import annotations

import json
from pathlib import Path

import fault_tools as ft
import numpy as np

NASTY = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&amp;", "\u202egnp", "\x07bell", "]]>"]
VOCABULARY = ["[PAD]", "[UNK]", *NASTY, *(f"w{i}" for i in range(392))]


def original(folder: Path) -> Path:
    """The tokens that mean no good have rows that no method keeps well."""
    arrays = ft.tensors()
    random = np.random.default_rng(5)
    arrays[ft.TABLE][2 : 2 + len(NASTY)] = 0.01 * random.standard_normal((len(NASTY), 32))
    arrays["encoder.layer.0.attention.self.query.weight"] = ft.table(64, 32, seed=3)
    model = ft.write_model(folder, arrays)
    (model / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return model


def model_and_output(folder: Path, *options: str) -> tuple[Path, Path]:
    model, output = original(folder / "model"), folder / "out"
    done = ft.run("compress", model, "-o", output, *(options or ("--all", "--bits", "5")))
    assert done.returncode == 0, done.stderr
    return model, output


def write_evaluation(file: Path, model: str = "out") -> Path:
    """What `loewner eval --json` writes of two models."""
    score = {"value": 0.8671, "low": 0.85, "high": 0.88}
    first = {"model": "a/base", "task": "STS-B", "count": 1500, "scores": {"spearman": score}}
    first |= {"differences": None, "fidelity": None, "tokens_per_second": 1.0, "resident_bytes": 1}
    difference = {"value": -0.0012, "low": -0.003, "high": 0.001}
    fidelity = {"measure": "cosine", "mean": 0.9987, "quantile": 0.99}
    second = first | {"model": f"b/{model}", "differences": {"spearman": difference}, "fidelity": fidelity}
    file.write_text(json.dumps([first, second]))
    return file
