# SPDX-License-Identifier: Apache-2.0
"""Colors and style of charts. Pages use variables for light and dark mode; files get the light colors."""

from __future__ import annotations

import re

# Text has a contrast of at least 4.5 to the surface, lines at least 3 (WCAG 2 AA; tests measure it).
LIGHT = {
    "page": "#f6f7f8",
    "surface": "#ffffff",
    "ink": "#1b2430",
    "quiet": "#55606e",
    "rule": "#dfe3e8",
    "link": "#0b5e96",
    "good": "#2b6e33",
    "bad": "#a52a22",
    "c0": "#1f6fa8",
    "c1": "#b35309",
    "c2": "#3b7a3f",
    "c3": "#8a4a9c",
    "c4": "#a8324a",
    "c5": "#5f6b1f",
    "c6": "#2b7a78",
    "c7": "#6b5b4d",
    "c8": "#4f56b5",
}
DARK = {
    "page": "#11151a",
    "surface": "#181e25",
    "ink": "#e4e8ec",
    "quiet": "#a2adb9",
    "rule": "#303a45",
    "link": "#7cc0ee",
    "good": "#86c88c",
    "bad": "#f0958c",
    "c0": "#6fb4e3",
    "c1": "#eba262",
    "c2": "#86c88c",
    "c3": "#cb9fdb",
    "c4": "#ec8ea0",
    "c5": "#bfc96a",
    "c6": "#6fc7c3",
    "c7": "#c2ae9c",
    "c8": "#a3a9ef",
}
SERIES_COLORS = sum(name.startswith("c") for name in LIGHT)

CHART = (
    """
.chart text { font: 11.5px system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: var(--ink); }
.chart .tick { font-size: 10.5px; fill: var(--quiet); }
.chart .middle { text-anchor: middle; }
.chart .end { text-anchor: end; }
.chart .strong { font-weight: 600; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .axis { stroke: var(--quiet); stroke-width: 1; }
.chart .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.chart .band { stroke: none; fill-opacity: 0.18; }
.chart .point { stroke: none; }
.chart .mark { fill: none; stroke: var(--ink); stroke-width: 1.8; }
.chart line.mark { stroke-dasharray: 4 3; stroke-width: 1.3; }
"""
    + "".join(
        f".chart .c{i}, .chart .c{i} .line {{ stroke: var(--c{i}); }}\n"
        f".chart .c{i}, .chart .c{i} .point, .chart .c{i} .band {{ fill: var(--c{i}); }}\n"
        f".chart .c{i}.bar, .chart .c{i}.key {{ stroke: none; }}\n"
        for i in range(SERIES_COLORS)
    )
    + ".chart .line { fill: none; }\n.chart .point, .chart .band { stroke: none; }\n"
)


def variables(colors: dict[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())


def with_colors(css: str, colors: dict[str, str] = LIGHT) -> str:
    """The style with colors in place of variables, for viewers that do not support variables."""
    return re.sub(r"var\(--(\w+)\)", lambda found: colors[found.group(1)], css)
