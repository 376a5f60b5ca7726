# SPDX-License-Identifier: Apache-2.0
"""The charts of a report, for the page and for `loewner plot`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loewner._core import Method
from loewner._text import byte_text, percent
from loewner.reporting.bars import Bar, draw_bars
from loewner.reporting.chart import Chart, Mark, Series, draw
from loewner.reporting.data import Report, Sizes, Study, Tensor
from loewner.reporting.markup import Markup
from loewner.reporting.scale import Scale
from loewner.reporting.style import SERIES_COLORS

METHODS = [name.replace("_", "-") for name in Method.__members__ if name != "auto"]  # the order of their colors


def key_of(tensor: Tensor) -> str:
    """A unique key for element ids and file names."""
    return re.sub(r"[^A-Za-z0-9._]", lambda found: f"-{ord(found.group()):x}-", tensor.name.removesuffix(".weight"))


def size_bars(report: Report) -> Markup:
    """Bytes of all weight files before and after, split into encoded and unchanged tensors."""
    sizes = report.sizes
    bars = []
    if report.model and sizes.weights_before:
        encoded = sum(tensor.bytes_before or 0 for tensor in report.tensors)
        bars.append(_bar("before", encoded, sizes.weights_before, sizes.weights_before))
    encoded = sum(tensor.bytes_after for tensor in report.tensors)
    bars.append(_bar("after", encoded, sizes.weights_after, sizes.weights_before))
    return draw_bars("sizes", "Bytes of all weight files", _size_text(sizes), bars)


def _bar(label: str, encoded: int, whole: int, before: int | None) -> Bar:
    share = f" \u00b7 {percent(whole / before)}" if before and label == "after" else ""
    parts = [("encoded tensors", encoded), ("unchanged tensors", max(0, whole - encoded))]
    return Bar(label, byte_text(whole) + share, parts)


def _size_text(sizes: Sizes) -> str:
    before = f"before {byte_text(sizes.weights_before)}, " if sizes.weights_before else ""
    return f"Weight files: {before}after {byte_text(sizes.weights_after)}."


def charts_of(tensor: Tensor) -> Iterator[Chart]:
    """The charts of a tensor; none without the original."""
    if tensor.study:
        yield bytes_chart(tensor, tensor.study)
        yield spectrum_chart(tensor, tensor.study)
        if tensor.study.rows.bands:
            yield rows_chart(tensor, tensor.study)


def bytes_chart(tensor: Tensor, study: Study) -> Chart:
    """Error against bytes for every method, with the chosen encoding marked."""
    chosen = Mark(f"chosen: {tensor.method}", study.array_bytes, tensor.weighted_relative_error)
    every = [(point.bytes, point.error) for points in study.offers.values() for point in points]
    every.append((study.array_bytes, tensor.weighted_relative_error))
    return Chart(
        key=f"{key_of(tensor)}-bytes",
        title=f"{tensor.name}: error against bytes",
        description=f"Predicted error of each method against bytes of its arrays. Chosen method: {tensor.method}, "
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
    """Error of the best approximation against its rank, and the singular values."""
    left = [(point.rank, point.left) for point in study.spectrum]
    directions = [(point.rank, point.direction) for point in study.spectrum if point.direction is not None]
    series = [Series("error of the best approximation", left, 0)]
    if directions:
        series.append(Series("singular value", directions, 1))
    how = "exact" if study.spectrum_exact else "estimated, within about 15 %"
    last = study.spectrum[-1].rank
    visible = [y for s in series for _, y in s.points if y > 1e-6]  # smaller values are rounding errors
    return Chart(
        key=f"{key_of(tensor)}-spectrum",
        title=f"{tensor.name}: spectrum",
        description=f"Relative error of the best approximation for ranks 0 to {last}, and singular values ({how}).",
        x=Scale.around("rank", [last], text=lambda rank: f"{rank:.0f}"),
        y=Scale.around("relative to the norm of the matrix", visible, log=True),
        series=[Series(s.name, [(x, y) for x, y in s.points if y > 1e-6], s.color) for s in series],
        marks=[Mark(f"rank {tensor.rank}", tensor.rank)] if tensor.rank is not None and tensor.rank <= last else [],
    )


def rows_chart(tensor: Tensor, study: Study) -> Chart:
    """Errors of single rows, from frequent to rare tokens."""
    bands = study.rows.bands
    points = [((band.first * band.last) ** 0.5, band.quantiles.median) for band in bands]
    low, high = [band.quantiles.low for band in bands], [band.quantiles.high for band in bands]
    return Chart(
        key=f"{key_of(tensor)}-rows",
        title=f"{tensor.name}: errors of rows by token frequency",
        description="Relative error of single rows, from the most frequent token to the rarest: median and band from "
        f"10 % to 90 %. All rows: median {study.rows.all.median:.4g}, largest {study.rows.all.largest:.4g}.",
        x=Scale.around("frequency rank of the token", [1.0, bands[-1].last], log=True),
        y=Scale.around("relative error of a row", high),
        series=[Series("median, band from 10 % to 90 %", points, 0, low, high)],
    )


def files_of(report: Report) -> dict[str, Markup]:
    """All drawings of a report by file name without extension."""
    drawings = {"sizes": size_bars(report)}
    return drawings | {chart.key: draw(chart) for tensor in report.tensors for chart in charts_of(tensor)}
