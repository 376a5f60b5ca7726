# SPDX-License-Identifier: Apache-2.0
"""Section "Encoded tensors": one row for each tensor."""

from __future__ import annotations

from collections.abc import Iterable

from loewner._text import byte_text
from loewner.reporting.data import Report, Tensor
from loewner.reporting.figures import key_of
from loewner.reporting.markup import Markup, join, readable, tag
from loewner.reporting.table import Cell, number, table

HEADS = [
    *("Tensor", "Shape", "Method", "Rank", "Bits/weight", "Size before", "Size after"),
    *("Error", "Weighted error"),
]


def tensor_table(report: Report) -> Iterable[Markup]:
    yield table("Encoded tensors", HEADS, [_row(t) for t in report.tensors], sorts=True, key="all-tensors")
    yield tag(
        "p",
        "Error: Frobenius norm of the difference to the original, divided by the norm of the original. Weighted error: "
        "the same with each row of a token table weighted by the expected frequency of its token. Sizes include data, "
        "header entries and specification.",
        class_="quiet",
    )


def _row(tensor: Tensor) -> list[Cell]:
    link = tag("a", _breakable(tensor.name), href=f"#of-{key_of(tensor)}")
    return [
        Cell(link, tensor.name),
        Cell(f"{tensor.rows:,} \u00d7 {tensor.cols:,}", tensor.rows * tensor.cols),
        Cell(tensor.method, tensor.method),
        number(tensor.rank),
        number(tensor.bits_per_weight, ".2f"),
        _bytes(tensor.bytes_before),
        _bytes(tensor.bytes_after),
        number(tensor.relative_error, ".4f"),
        number(tensor.weighted_relative_error, ".4f"),
    ]


def _breakable(name: str) -> Markup:
    """Allow a line break after each dot of a long name."""
    parts = readable(name).split(".")
    return join(*(part for text in parts[:-1] for part in (f"{text}.", tag("wbr"))), parts[-1])


def _bytes(count: int | None) -> Cell:
    return number(count) if count is None else Cell(byte_text(count), count)
