# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG: lines, bands and bars. Colors are CSS classes, which the style sheet of the page or file defines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from loewner.reporting.markup import Markup, tag
from loewner.reporting.scale import Scale

WIDTH, PLOT_HEIGHT = 400, 230
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 26, 42
LEGEND_LINE, LETTER = 17, 6.1  # height of a legend line and width of a letter, in pixels
MARKERS = ("M-2.4,0a2.4,2.4 0 1,0 4.8,0a2.4,2.4 0 1,0 -4.8,0", "M-2.2,-2.2h4.4v4.4h-4.4z", "M0,-2.9L2.8,2.2H-2.8z")


@dataclass(frozen=True)
class Series:
    """Points (x, y). If given, low and high bound a band around them."""

    name: str
    points: Sequence[tuple[float, float]]
    color: int  # index of a color of the style sheet
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    joined: bool = True  # draw a line through the points


@dataclass(frozen=True)
class Mark:
    """An emphasized point, or without y a vertical line at x."""

    name: str
    x: float
    y: float | None = None


@dataclass(frozen=True)
class Chart:
    """The content of a chart, and its title and description for readers who cannot see it."""

    key: str  # for element ids and file names
    title: str
    description: str
    x: Scale
    y: Scale
    series: Sequence[Series]
    marks: Sequence[Mark] = field(default=())


def draw(chart: Chart) -> Markup:
    """The chart as an `svg` element; each point has its values in data-x and data-y."""
    legend = _legend(chart)
    height = TOP + PLOT_HEIGHT + BOTTOM + LEGEND_LINE * len(legend)
    return drawing(
        chart.key,
        chart.title,
        chart.description,
        height,
        *_axes(chart.x, chart.y),
        *(_series(chart, series) for series in chart.series),
        *(_mark(chart, mark) for mark in chart.marks if mark.y is None or chart.y.shows(mark.y)),
        *(
            tag("g", *line, transform=f"translate(0,{TOP + PLOT_HEIGHT + BOTTOM + 8 + i * LEGEND_LINE})")
            for i, line in enumerate(legend)
        ),
    )


def drawing(key: str, title: str, description: str, height: int, *parts: Markup) -> Markup:
    """An `svg` element of width WIDTH with a title and a description for readers who cannot see it."""
    return tag(
        "svg",
        tag("title", title, id=f"{key}-title"),
        tag("desc", description, id=f"{key}-desc"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        class_="chart",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def values_table(chart: Chart) -> tuple[list[str], list[list[str]]]:
    """The same values as a table (heads and rows), for readers who cannot see the drawing."""
    rows = [[s.name, chart.x.text(x), f"{y:.4g}"] for s in chart.series for x, y in s.points]
    rows += [[m.name, chart.x.text(m.x), "" if m.y is None else f"{m.y:.4g}"] for m in chart.marks]
    return ["series", chart.x.label, chart.y.label], rows


def _x(scale: Scale, value: float) -> float:
    return round(LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT), 2)


def _y(scale: Scale, value: float) -> float:
    return round(TOP + (1 - scale.place(value)) * PLOT_HEIGHT, 2)


def _axes(x: Scale, y: Scale) -> Iterable[Markup]:
    bottom, right = TOP + PLOT_HEIGHT, WIDTH - RIGHT
    for value in y.ticks():
        at = _y(y, value)
        yield tag("line", x1=LEFT, x2=right, y1=at, y2=at, class_="grid")
        yield tag("text", y.text(value), x=LEFT - 6, y=round(at + 3.5, 2), class_="tick end")
    for value in x.ticks():
        at = _x(x, value)
        yield tag("line", x1=at, x2=at, y1=bottom, y2=bottom + 4, class_="axis")
        yield tag("text", x.text(value), x=at, y=bottom + 16, class_="tick middle")
    yield tag("line", x1=LEFT, x2=right, y1=bottom, y2=bottom, class_="axis")
    yield tag("text", y.label, x=0, y=12, class_="label")
    yield tag("text", x.label, x=right, y=bottom + 33, class_="label end")


def _series(chart: Chart, series: Series) -> Markup:
    shown = [i for i, (x, y) in enumerate(series.points) if chart.x.shows(x) and chart.y.shows(y)]
    at = {i: (_x(chart.x, series.points[i][0]), _y(chart.y, series.points[i][1])) for i in shown}
    parts = []
    if series.low:
        parts.append(tag("path", d=_band(chart, series), class_="band"))
    if series.joined and len(shown) > 1:
        parts.append(tag("path", d="M" + "L".join(f"{x},{y}" for x, y in at.values()), class_="line"))
    for i in shown:
        x, y = series.points[i]
        text = f"{series.name}: {chart.x.text(x)}, {y:.4g}"
        place = f"translate({at[i][0]},{at[i][1]})"
        parts.append(
            tag("path", tag("title", text), d=_marker(series), transform=place, data_x=x, data_y=y, class_="point")
        )
    return tag("g", *parts, class_=f"c{series.color}", data_series=series.name)


def _band(chart: Chart, series: Series) -> str:
    xs = [_x(chart.x, x) for x, _ in series.points]
    upper = [f"{x},{_y(chart.y, y)}" for x, y in zip(xs, series.high, strict=True)]
    lower = [f"{x},{_y(chart.y, y)}" for x, y in zip(xs, series.low, strict=True)]
    return "M" + "L".join(upper + lower[::-1]) + "z"


def _marker(series: Series) -> str:
    return MARKERS[series.color % len(MARKERS)]


def _mark(chart: Chart, mark: Mark) -> Markup:
    x = _x(chart.x, mark.x)
    values = {"data_x": mark.x, "data_y": mark.y, "data_series": mark.name}
    if mark.y is None:
        return tag("line", tag("title", mark.name), x1=x, x2=x, y1=TOP, y2=TOP + PLOT_HEIGHT, class_="mark", **values)
    title = tag("title", f"{mark.name}: {chart.x.text(mark.x)}, {mark.y:.4g}")
    return tag("circle", title, cx=x, cy=_y(chart.y, mark.y), r=6, class_="mark", **values)


def _legend(chart: Chart) -> list[list[Markup]]:
    """Names with their markers, in as many lines as necessary."""
    lines: list[list[Markup]] = []
    end = float(WIDTH)
    entries = [(s.name, tag("path", d=_marker(s), class_=f"c{s.color} key")) for s in chart.series]
    entries += [
        (m.name, tag("circle", r=4.5, class_="mark") if m.y is not None else tag("line", y1=-6, y2=6, class_="mark"))
        for m in chart.marks
    ]
    for name, key in entries:
        width = 22 + LETTER * len(name)
        if end + width > WIDTH:
            lines.append([])
            end = float(LEFT)
        text = tag("text", name, x=9, y=3.5, class_="tick")
        lines[-1].append(tag("g", key, text, transform=f"translate({round(end, 1)},0)"))
        end += width
    return lines
