# SPDX-License-Identifier: Apache-2.0
"""Collects the content of a report from an encoded folder and, if given, the original model."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from loewner._core import IoError, TensorRows, Vocabulary, claimed_report, read_vocabulary
from loewner._reports import CompressReport, TensorReport, Totals
from loewner._structures import STRUCTURES
from loewner.reporting.data import Report, Sizes, Study, Tensor
from loewner.reporting.evaluations import read_scores
from loewner.reporting.nearest_tokens import Neighbor, nearest_tokens
from loewner.reporting.row_errors import token_names
from loewner.reporting.study import study

BLOCK_ENTRIES = 1 << 22
Progress = Callable[[str, float], None]


def gather(
    output: Path,
    model: Path | None = None,
    *,
    evaluations: Sequence[Path] = (),
    pattern: str = "",
    row_weights: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Collect the content of a report.

    Parameters
    ----------
    output : Path
        Folder that `compress` wrote.
    model : Path, optional
        The original model folder. Without it the report has neither spectra nor recomputed errors.
    evaluations : sequence of Path
        Files written by `loewner eval --json`.
    pattern : str
        Regular expression. Only tensors whose name contains a match are compared with the original.
    row_weights : Path, optional
        The file of token counts, if the model was compressed with one.
    progress : callable, optional
        Called as ``progress(tensor, share)`` with the share done in [0, 1].

    Returns
    -------
    Report
        The content of the page and of the charts.

    Raises
    ------
    IoError
        If a file cannot be read.
    ValueError
        If the regular expression is invalid.

    Notes
    -----
    Without `model` only headers and configuration are read. With it the cost is that of planning `compress` for these
    tensors plus a few passes over both models; memory grows by a few numbers for each row.
    """
    wanted = _compiled(pattern)
    claimed = CompressReport.from_dict(claimed_report(output, model))
    config = _quantization_config(output)
    vocabulary, notes = _vocabulary(model or output)
    tensors = []
    for number, claim in enumerate(claimed.tensors):
        if progress:
            progress(claim.name, number / len(claimed.tensors))
        found = None
        if model and wanted.search(claim.name):
            of_table = notes if claim.role == "token_embedding" else []
            found = study(output, model, claim, vocabulary, of_table, row_weights)
        refit = config["tensors"][claim.name].get("refit")
        factor = str(refit.get("factor")) if isinstance(refit, dict) else None
        tensors.append(_tensor(claim, factor, _nearest(output, claim, vocabulary), found))
    return Report(
        output=_name(output),
        model=_name(model) if model else None,
        producer=str(config.get("producer", "loewner")),
        command=_command(output),
        sizes=_sizes(claimed.totals),
        tensors=tensors,
        scores=[score for file in evaluations for score in read_scores(file)],
    )


def _vocabulary(folder: Path) -> tuple[Vocabulary | None, list[str]]:
    """None with a note, as without a tokenizer, if it cannot be read."""
    try:
        return read_vocabulary(folder), []
    except IoError as error:
        return None, [f"tokens have no names: {error}"]


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"invalid regular expression '{pattern}': {error}") from None


def _name(folder: Path) -> str:
    return os.path.basename(os.path.abspath(folder))


def _quantization_config(output: Path) -> dict[str, Any]:
    """The configuration of a folder that the core has read, so its syntax is valid."""
    config = json.loads((output / "config.json").read_text(encoding="utf-8"))
    return dict(config["quantization_config"])


def _command(output: Path) -> str | None:
    """The command in the model card that `compress` wrote."""
    card = output / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"^ {4}(loewner compress .*)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None


def _sizes(totals: Totals) -> Sizes:
    return Sizes(
        totals.weights_bytes_before or None,
        totals.weights_bytes_after,
        totals.folder_bytes_before or None,
        totals.folder_bytes_after,
    )


def _tensor(
    claim: TensorReport,
    refitted: str | None,
    nearest: Mapping[str, Sequence[Sequence[Neighbor]]],
    found: Study | None,
) -> Tensor:
    rows, cols = claim.shape
    stored = {field.name: getattr(claim, field.name) for field in fields(Tensor) if hasattr(claim, field.name)}
    added = {
        "rows": rows,
        "cols": cols,
        "bits_per_weight": 8 * claim.bytes_after / (rows * cols),
        "bytes_before": claim.bytes_before or None,
        "refitted": refitted,
        "nearest": nearest,
        "study": found,
    }
    return Tensor(**{**stored, **added})


def _nearest(
    output: Path, claim: TensorReport, vocabulary: Vocabulary | None
) -> dict[str, Sequence[Sequence[Neighbor]]]:
    """The nearest tokens of the directions that a token table stores; empty for other structures."""
    array = STRUCTURES[claim.structure].directions
    if array is None or claim.role != "token_embedding":
        return {}
    directions = TensorRows(output, claim.name.removesuffix("weight") + array)
    table = TensorRows(output, claim.name)
    names = token_names(vocabulary, table.shape[0])
    return {array: nearest_tokens(directions.read(0, directions.shape[0]), _blocks(table), names)}


def _blocks(table: TensorRows) -> Iterator[np.ndarray]:
    rows, cols = table.shape
    step = max(1, BLOCK_ENTRIES // cols)
    for first in range(0, rows, step):
        yield table.read(first, min(step, rows - first))
