# SPDX-License-Identifier: Apache-2.0
"""Horizontal bars of stacked parts as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loewner.reporting.chart import LETTER, WIDTH, drawing
from loewner.reporting.markup import Markup, tag

COLORS = (0, 7)  # of the parts, in their order
SPACING, TOP, THICKNESS, KEY = 44, 16, 12, 9  # pixels: between bars, above the first label, of a bar, of a legend box


@dataclass(frozen=True)
class Bar:
    """A bar with a label at the left, a text at the right and stacked parts (name, value)."""

    label: str
    text: str
    parts: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(value for _, value in self.parts)


def draw_bars(key: str, title: str, description: str, bars: Sequence[Bar]) -> Markup:
    """The bars on one scale. All have parts of the same names."""
    pixels = WIDTH / (max(bar.total for bar in bars) or 1)
    parts = [part for i, bar in enumerate(bars) for part in _bar(bar, TOP + SPACING * i, pixels)]
    legend = _legend([name for name, _ in bars[0].parts], SPACING * len(bars))
    return drawing(key, title, description, SPACING * len(bars) + 20, *parts, *legend)


def _bar(bar: Bar, y: int, pixels: float) -> Iterator[Markup]:
    yield tag("text", bar.label, x=0, y=y, class_="label")
    yield tag("text", bar.text, x=WIDTH, y=y, class_="label end strong")
    x = 0.0
    for (name, value), color in zip(bar.parts, COLORS, strict=True):
        width = round(value * pixels, 2)
        yield tag(
            "rect",
            tag("title", f"{name}: {value:,} bytes"),
            x=round(x, 2),
            y=y + 6,
            width=width,
            height=THICKNESS,
            data_value=value,
            data_series=name,
            class_=f"c{color} bar",
        )
        x += width


def _legend(names: Sequence[str], y: int) -> Iterator[Markup]:
    x = 0.0
    for name, color in zip(names, COLORS, strict=True):
        yield tag("rect", x=x, y=y + 6, width=KEY, height=KEY, class_=f"c{color} bar")
        yield tag("text", name, x=x + 14, y=y + 14, class_="tick")
        x += 30 + LETTER * len(name)
