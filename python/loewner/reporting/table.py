# SPDX-License-Identifier: Apache-2.0
"""Tables of the page: row names at the left, aligned numbers, sortable columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loewner.reporting.markup import Markup, tag


@dataclass(frozen=True)
class Cell:
    """A cell: the shown text and the value to sort by. Numbers are aligned right."""

    text: object
    value: str | float | None = None

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, float | int)


def number(value: float | None, format: str = "") -> Cell:
    """A number, or a dash for None."""
    return Cell("\u2013") if value is None else Cell(f"{value:{format}}", value)


def table(
    label: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, sorts: bool = False, key: str | None = None
) -> Markup:
    """A table in a box that scrolls on narrow screens. Cells of the first column are row headers."""
    numeric = [any(row[i].is_number for row in rows) for i in range(len(heads))]
    head = [_head(text, is_number, sorts) for text, is_number in zip(heads, numeric, strict=True)]
    body = [tag("tr", *(_cell(cell, i == 0, numeric[i], sorts) for i, cell in enumerate(row))) for row in rows]
    content = tag("table", tag("caption", label), tag("thead", tag("tr", *head)), tag("tbody", *body), id=key)
    return tag("div", content, class_="scroll", role="region", aria_label=label, tabindex=0)


def _head(text: str, is_number: bool, sorts: bool) -> Markup:
    class_ = "number" if is_number else None
    if not sorts:
        return tag("th", text, scope="col", class_=class_)
    return tag("th", tag("button", text, type="button"), scope="col", class_=class_, aria_sort="none")


def _cell(cell: Cell, is_head: bool, is_number: bool, sorts: bool) -> Markup:
    value = ("" if cell.value is None else cell.value) if sorts else None
    if is_head:
        return tag("th", cell.text, scope="row", class_="name", data_value=value)
    return tag("td", cell.text, class_="number" if is_number else None, data_value=value)
