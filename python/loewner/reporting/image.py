# SPDX-License-Identifier: Apache-2.0
"""A chart as a separate file with heading, margin and light colors."""

from __future__ import annotations

import re

from loewner.reporting.markup import Markup, join, tag
from loewner.reporting.style import CHART, LIGHT, with_colors

PIXELS = 1200  # width of a PNG file
MARGIN, HEADING = 16, 36


def svg(drawing: Markup) -> bytes:
    """A stand-alone SVG file of a drawing."""
    start = drawing.index(">") + 1  # start of the content of the svg element
    opening = re.sub(r'viewBox="0 0 (\d+) (\d+)"', _with_margin, drawing[:start])
    style = f"<style>svg {{ background: {LIGHT['surface']}; }}{with_colors(CHART)}</style>"
    return f"{opening}{style}{_heading(drawing)}{drawing[start:]}\n".encode()


def _with_margin(box: re.Match[str]) -> str:
    width, height = (int(length) for length in box.groups())
    top = MARGIN + HEADING
    return f'viewBox="{-MARGIN} {-top} {width + 2 * MARGIN} {height + top + MARGIN}"'


def _heading(drawing: Markup) -> Markup:
    """The kind of chart, and below it the tensor."""
    title = drawing[drawing.index("<title") : drawing.index("</title>")].partition(">")[2]
    tensor, _, what = title.rpartition(": ")
    heading = tag("text", Markup(what[:1].upper() + what[1:]), x=0, y=4 - HEADING, class_="strong")
    return join(heading, tag("text", Markup(tensor), x=0, y=20 - HEADING, class_="tick"))


def png(drawing: Markup) -> bytes:
    """A PNG file of a drawing. Raises ImportError if the extra `plot` is not installed."""
    try:
        import cairosvg
    except ImportError:
        raise ImportError("PNG files need cairosvg: pip install 'loewner[plot]'") from None
    return bytes(cairosvg.svg2png(svg(drawing), output_width=PIXELS, background_color=LIGHT["surface"]))
