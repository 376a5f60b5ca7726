# SPDX-License-Identifier: Apache-2.0
"""Writes the plots of docs/images."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure
from results_page import ROOT

matplotlib.use("Agg")

IMAGES = ROOT / "docs" / "images"


def save_plot(figure: Figure, name: str) -> None:
    """Writes docs/images/NAME.svg; equal numbers give equal files."""
    figure.tight_layout()
    IMAGES.mkdir(exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = name
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})
