# SPDX-License-Identifier: Apache-2.0
"""Which charts a report has; the page and `loewner plot` show the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loewner.reporting.chart import Chart, Mark, Series, draw, draw_bars
from loewner.reporting.data import Report, Sizes, Study, Tensor
from loewner.reporting.markup import Markup
from loewner.reporting.scale import Scale, byte_text, percent
from loewner.reporting.style import SERIES_COLORS

METHODS = ("svd", "codes", "coded-svd", "subspaces", "int8", "int4", "dense", "lp")  # each has its colour everywhere


def key_of(tensor: Tensor) -> str:
    """For ids and names of files; other tensors have others."""
    return re.sub(r"[^A-Za-z0-9._]", lambda found: f"-{ord(found.group()):x}-", tensor.name.removesuffix(".weight"))


def size_bars(report: Report) -> Markup:
    """Whole weight files before and after, each in what is encoded and what is not."""
    sizes = report.sizes
    bars = []
    if report.model and sizes.weights_before:
        encoded = sum(tensor.bytes_before or 0 for tensor in report.tensors)
        bars.append(_bar("before", encoded, sizes.weights_before, sizes.weights_before))
    encoded = sum(tensor.bytes_after for tensor in report.tensors)
    bars.append(_bar("after", encoded, sizes.weights_after, sizes.weights_before))
    return draw_bars("sizes", "Bytes of all weight files", _said(sizes), bars)


def _bar(label: str, encoded: int, whole: int, before: int | None) -> tuple[str, list[tuple[str, int]], str]:
    share = f" \u00b7 {percent(whole / before)}" if before and label == "after" else ""
    parts = [("encoded tensors", encoded), ("kept byte for byte", max(0, whole - encoded))]
    return label, parts, byte_text(whole) + share


def _said(sizes: Sizes) -> str:
    before = f"before {byte_text(sizes.weights_before)}, " if sizes.weights_before else ""
    return f"Weight files: {before}after {byte_text(sizes.weights_after)}."


def charts_of(tensor: Tensor) -> Iterator[Chart]:
    """Nothing without the original."""
    if tensor.study:
        yield bytes_chart(tensor, tensor.study)
        yield spectrum_chart(tensor, tensor.study)
        if tensor.study.rows.bands:
            yield rows_chart(tensor, tensor.study)


def bytes_chart(tensor: Tensor, study: Study) -> Chart:
    """Error against bytes."""
    chosen = Mark(f"chosen: {tensor.method}", study.array_bytes, tensor.weighted_relative_error)
    every = [(point.bytes, point.error) for points in study.offers.values() for point in points]
    every.append((study.array_bytes, tensor.weighted_relative_error))
    return Chart(
        key=f"{key_of(tensor)}-bytes",
        title=f"{tensor.name}: error against bytes",
        description=f"What each method would leave of the matrix in how many bytes. {tensor.method} was chosen: "
        f"{byte_text(study.array_bytes)}, relative weighted error {tensor.weighted_relative_error:.4g}.",
        x=Scale.around("bytes of the arrays", (x for x, _ in every), log=True, text=byte_text),
        y=Scale.around("relative weighted error", (y for _, y in every), log=True),
        series=[
            Series(method, [(p.bytes, p.error) for p in points], _color(method))
            for method, points in study.offers.items()
        ],
        marks=[chosen],
    )


def _color(method: str) -> int:
    return METHODS.index(method) if method in METHODS else SERIES_COLORS - 1


def spectrum_chart(tensor: Tensor, study: Study) -> Chart:
    """What each rank leaves, and what each direction has."""
    left = [(point.rank, point.left) for point in study.spectrum]
    directions = [(point.rank, point.direction) for point in study.spectrum if point.direction is not None]
    series = [Series("left by the best of this rank", left, 0)]
    if directions:
        series.append(Series("in this direction", directions, 1))
    how = "exact" if study.spectrum_exact else "estimated, within some 15 %"
    last = study.spectrum[-1].rank
    visible = [y for s in series for _, y in s.points if y > 1e-6]  # below lies rounding
    return Chart(
        key=f"{key_of(tensor)}-spectrum",
        title=f"{tensor.name}: spectrum",
        description=f"Share of the matrix's norm that its best approximation of each rank leaves, 0 to {last}; {how}.",
        x=Scale.around("rank", [last], text=lambda rank: f"{rank:.0f}"),
        y=Scale.around("share of the norm", visible, log=True),
        series=[Series(s.name, [(x, y) for x, y in s.points if y > 1e-6], s.color) for s in series],
        marks=[Mark(f"rank {tensor.rank}", tensor.rank)] if tensor.rank is not None and tensor.rank <= last else [],
    )


def rows_chart(tensor: Tensor, study: Study) -> Chart:
    """Errors of rows, from frequent to rare tokens."""
    bands = study.rows.bands
    points = [((band.first * band.last) ** 0.5, band.quantiles.median) for band in bands]
    low, high = [band.quantiles.low for band in bands], [band.quantiles.high for band in bands]
    return Chart(
        key=f"{key_of(tensor)}-rows",
        title=f"{tensor.name}: errors of rows by token frequency",
        description="Relative error of the rows of tokens, from the most frequent to the rarest: median, and the band "
        f"from 10 % to 90 %. Of all rows: median {study.rows.all.median:.4g}, largest {study.rows.all.largest:.4g}.",
        x=Scale.around("token, by frequency", [1.0, bands[-1].last], log=True),
        y=Scale.around("relative error of a row", high),
        series=[Series("median, and 10 % to 90 %", points, 0, low, high)],
    )


def files_of(report: Report) -> dict[str, Markup]:
    """All drawings of a report, by what their files are called."""
    drawings = {"sizes": size_bars(report)}
    return drawings | {chart.key: draw(chart) for tensor in report.tensors for chart in charts_of(tensor)}
