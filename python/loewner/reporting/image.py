# SPDX-License-Identifier: Apache-2.0
"""A chart as a file of its own, in colours for paper."""

from __future__ import annotations

from loewner.reporting.markup import Markup
from loewner.reporting.style import CHART, LIGHT, with_colors

PIXELS = 1200  # across


def svg(drawing: Markup) -> bytes:
    start = drawing.index(">") + 1  # of what is in the svg element
    style = f"<style>svg {{ background: {LIGHT['surface']}; }}{with_colors(CHART)}</style>"
    return f"{drawing[:start]}{style}{drawing[start:]}\n".encode()


def png(drawing: Markup) -> bytes:
    """Errors    ImportError when the extra `plot` is not installed."""
    try:
        import cairosvg
    except ImportError:
        raise ImportError("PNG files need cairosvg: pip install 'loewner[plot]'") from None
    return bytes(cairosvg.svg2png(svg(drawing), output_width=PIXELS, background_color=LIGHT["surface"]))
