# SPDX-License-Identifier: Apache-2.0
"""Section "Tensor details": charts and token tables, one foldable block for each tensor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from loewner._text import byte_text
from loewner.reporting.chart import Chart, draw, values_table
from loewner.reporting.data import Report, Study, Tensor
from loewner.reporting.figures import charts_of, key_of
from loewner.reporting.markup import Markup, join, readable, tag
from loewner.reporting.nearest_tokens import Neighbor
from loewner.reporting.row_errors import FREQUENT, TokenError
from loewner.reporting.table import Cell, number, table

OPEN_TENSORS = 1  # blocks that are unfolded at first


def tensor_details(report: Report) -> Iterable[Markup]:
    if not report.model:
        yield tag(
            "p",
            "Spectra, error against size and errors of single rows need the original model: ",
            tag("code", f"loewner report {readable(report.output)} --against MODEL"),
            ".",
        )
    first = sorted(report.tensors, key=lambda t: -t.bytes_after)[:OPEN_TENSORS]
    for tensor in report.tensors:
        yield _tensor(tensor, tensor in first)


def _tensor(tensor: Tensor, is_open: bool) -> Markup:
    error = f"weighted error {tensor.weighted_relative_error:.4f}"
    brief = f"{tensor.method} \u00b7 {byte_text(tensor.bytes_after)} \u00b7 {error}"
    parts: list[Markup] = [tag("p", _described(tensor), class_="quiet")]
    figures = [_figure(chart) for chart in charts_of(tensor)]
    if tensor.study:
        figures += _worst_tokens(tensor.study)
        parts += [tag("p", note, class_="bad") for note in tensor.study.notes]
    figures += [tag("div", _nearest_tokens(array, rows)) for array, rows in tensor.nearest.items()]
    return tag(
        "details",
        tag("summary", tag("span", readable(tensor.name), class_="name"), " ", tag("span", brief, class_="quiet")),
        tag("div", *parts, tag("div", *figures, class_="figures"), class_="body"),
        class_="tensor",
        id=f"of-{key_of(tensor)}",
        open=is_open,
    )


def _described(tensor: Tensor) -> str:
    text = f"{tensor.role.replace('_', ' ')}, {tensor.rows:,} x {tensor.cols:,}, structure {tensor.structure}"
    text += f", rank {tensor.rank}" if tensor.rank is not None else ""
    text += "".join(f", {count} {name}" for name, count in tensor.counts.items() if count is not None)
    text += f", factor {tensor.refitted} refitted" if tensor.refitted else ""
    text += f", {tensor.bits_per_weight:.2f} bits per weight. Row weights: {tensor.row_weights}."
    if tensor.study:
        rows = tensor.study.rows.all
        text += f" Relative error of single rows: median {rows.median:.4f}, 90 % below {rows.high:.4f}, "
        text += f"largest {rows.largest:.4f}."
    return text


def _figure(chart: Chart) -> Markup:
    heads, rows = values_table(chart)
    values = table("Values", heads, [[Cell(text) for text in row] for row in rows])
    caption = tag("figcaption", tag("h3", chart.title.partition(": ")[2].capitalize()))
    folded = tag("details", tag("summary", "Values"), values, class_="values")
    return tag("figure", caption, draw(chart), folded)


def _worst_tokens(study: Study) -> list[Markup]:
    both = (
        (f"Largest errors among the {FREQUENT:,} most frequent tokens", study.rows.worst_frequent),
        ("Largest errors of all tokens", study.rows.worst),
    )
    tables = [_token_table(label, tokens) for label, tokens in both if tokens]
    return [tag("div", *tables, class_="compact")] if tables else []


def _token_table(label: str, tokens: Iterable[TokenError]) -> Markup:
    rows = [
        [
            Cell(join(tag("bdi", t.token), " ", tag("span", f"id {t.id}", class_="quiet"))),
            number(t.rank, ","),
            number(t.relative_error, ".4f"),
        ]
        for t in tokens
    ]
    return table(label, ["Token", "Frequency rank", "Relative error"], rows)


def _nearest_tokens(array: str, directions: Sequence[Sequence[Neighbor]]) -> Markup:
    """`array` is the stored array whose rows are the directions."""
    rows = [
        [Cell(f"{i}"), Cell(join(*_separated(tag("bdi", n.token) for n in near))), number(near[0].cosine, ".3f")]
        for i, near in enumerate(directions)
    ]
    heads = ["Number", "Nearest tokens", "Cosine to the nearest"]
    return table(f"{array.capitalize()} and the tokens with the nearest rows", heads, rows)


def _separated(parts: Iterable[Markup]) -> Iterable[object]:
    for i, part in enumerate(parts):
        if i:
            yield ", "
        yield part
