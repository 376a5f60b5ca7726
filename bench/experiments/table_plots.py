# SPDX-License-Identifier: Apache-2.0
"""Draws plots from the numbers of the result pages.

Experiments with plots of their own draw them; these are the others. With --update-docs it writes docs/images/NAME.svg
for each plot, without it only checks that all plots can be drawn. Takes seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib import pyplot
from matplotlib.axes import Axes
from plots import save_plot
from results_page import experiment_parser, published_table

Row = dict[str, str]  # column -> cell
Lines = dict[str, list[tuple[float, float]]]  # label -> points
LARGEST_MEGABYTES = 27  # of the whole models that are drawn
OURS = re.compile(r"loewner, [\d.]+ MB(, (?P<text>2000 sentences))?")  # rows of whole models, by size


def read_table(name: str) -> list[Row]:
    """The rows of a published table."""
    lines = [line for line in published_table(name).splitlines() if line.startswith("|")]
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


def lines_of(rows: list[Row], label: Callable[[Row], str], x: str, y: str) -> Lines:
    lines: Lines = {}
    for row in rows:
        lines.setdefault(label(row), []).append((float(row[x]), float(row[y])))
    return lines


def lines_of_kept(rows: list[Row]) -> Lines:
    """Each row is a line; its columns `8 kept`, ... are the points."""
    kept = [column for column in rows[0] if column.endswith(" kept")]
    return {row["keys chosen by"]: [(float(column.split()[0]), float(row[column])) for column in kept] for row in rows}


def draw_lines(axes: Axes, lines: Lines) -> None:
    for label, points in lines.items():
        axes.plot(*zip(*sorted(points), strict=True), "o-", markersize=4, label=label)
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=7)


def draw_bars(axes: Axes, rows: list[Row], label: Callable[[Row], str], y: str) -> None:
    measured = [row for row in rows if row[y]]
    axes.barh([label(row) for row in measured], [float(row[y].removeprefix("> ")) for row in measured])
    axes.invert_yaxis()
    axes.set_xlabel(y)
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(True, axis="x", alpha=0.3)


def panels(count: int, **options: object) -> tuple[pyplot.Figure, list[Axes]]:
    figure, plots = pyplot.subplots(1, count, figsize=(5 * count, 3.8), squeeze=False, **options)
    return figure, list(plots[0])


@dataclass(frozen=True)
class KeptKeysPlot:
    """Plot of a table of kept keys: one panel for softmax and one for squares."""

    table: str
    ylabel: str

    def __call__(self) -> pyplot.Figure:
        rows = read_table(self.table)
        kinds = list(dict.fromkeys(row["weights"] for row in rows))
        figure, plots = panels(len(kinds))
        for axes, kind in zip(plots, kinds, strict=True):
            draw_lines(axes, lines_of_kept([row for row in rows if row["weights"] == kind]))
            axes.set(title=kind, xlabel="keys kept", ylabel=self.ylabel, xscale="log")
        return figure


def archetypes() -> pyplot.Figure:
    def label(row: Row) -> str:
        return f"archetypes, k = {row['k']}, t = {row['t']}" if row["k"] else row["method"]

    figure, plots = panels(2)
    rows = read_table("archetypes")
    for axes, column in zip(plots, ("weighted error", "cos"), strict=True):
        draw_lines(axes, lines_of(rows, label, "bits per weight", column))
        axes.set(xlabel="bits per weight", ylabel=column)
    return figure


def refit() -> pyplot.Figure:
    figure, plots = panels(2)
    before, *rows = read_table("refit")
    for axes, column in zip(plots, ("error, unseen", "cos"), strict=True):
        draw_lines(axes, lines_of(rows, lambda row: f"{row['chosen by']}, p = {row['p']}", "tokens", column))
        axes.axhline(float(before[column]), color="gray", linestyle="--", linewidth=0.8)
        axes.set(xlabel="tokens (dashed: before)", ylabel=column, xscale="log")
    return figure


def digits() -> pyplot.Figure:
    figure, (axes,) = panels(1)
    draw_bars(axes, read_table("digits-attention"), lambda row: f"{row['how']}: {row['attention']}", "accuracy")
    return figure


def topics() -> pyplot.Figure:
    figure, plots = panels(2)
    for axes, (table, column) in zip(
        plots, (("topics", "coherence"), ("communities", "error of the shares")), strict=True
    ):
        draw_bars(axes, read_table(table), lambda row: row["model"], column)
        axes.set_title(table)
    return figure


def lp_regression() -> pyplot.Figure:
    rows = read_table("lp-regression-speed")
    exponents = list(dict.fromkeys(row["p"] for row in rows))
    figure, plots = panels(len(exponents))
    for axes, p in zip(plots, exponents, strict=True):
        draw_bars(axes, [row for row in rows if row["p"] == p], lambda row: row["solver"], "seconds")
        axes.set(title=f"p = {p} (60 s: given up)", xscale="log")
    return figure


def whole_models() -> pyplot.Figure:
    """Bytes against 1 - cos: lines of loewner, numbered points of the peers of like size; both axes are logarithmic."""
    figure, (axes,) = panels(1)
    figure.set_size_inches(10, 6)
    lines = {
        f"loewner, text: {text}": [(x, 1 - cos) for x, cos in points]
        for text, points in lines_of(read_table("calibration"), lambda row: row["text"], "MB", "cos").items()
    }
    largest = max(x for points in lines.values() for x, _ in points)
    peers: list[tuple[float, float, str]] = []
    for row in read_table("peers-whole-models"):
        if not row["cos"] or float(row["cos"]) == 1 or float(row["MB on disk"]) > LARGEST_MEGABYTES:
            continue
        x, y = float(row["MB on disk"]), 1 - float(row["cos"])
        if whole := OURS.fullmatch(row["model"]):
            if x > 1.01 * largest:  # smaller ones are in the other table
                lines[f"loewner, text: {whole['text'] or 'package'}"].append((x, y))
        elif not row["model"].startswith("loewner"):
            peers.append((x, y, row["model"]))
    draw_lines(axes, lines)
    draw_numbered(axes, sorted(peers))
    axes.plot([], [], "k.", label="peers, text: 2000 sentences")
    axes.plot([], [], "kx", label="peers without a text")
    axes.legend(fontsize=7)
    axes.set(xlabel="MB on disk", ylabel="1 - cos", xscale="log", yscale="log")
    axes.set_xticks([5, 7, 10, 15, 20, 25], labels=["5", "7", "10", "15", "20", "25"])
    axes.minorticks_off()
    return figure


def draw_numbered(axes: Axes, peers: list[tuple[float, float, str]]) -> None:
    """Points whose numbers are explained at the right of the axes. Points at nearly the same place share a label."""
    labels: dict[tuple[float, float], str] = {}
    names = []
    for number, (x, y, model) in enumerate(peers, 1):
        name, told, table = model.partition(", text")
        axes.plot(x, y, "k." if told else "kx", markersize=5)
        names.append(f"{number}  {name}{table}")
        near = (place for place in labels if abs(math.log(x / place[0])) < 0.04 and abs(math.log(y / place[1])) < 0.15)
        place = next(near, (x, y))
        labels[place] = f"{labels[place]}, {number}" if place in labels else str(number)
    for place, label in labels.items():
        axes.annotate(label, place, textcoords="offset points", xytext=(4, 2), fontsize=7)
    axes.text(1.02, 1, "\n".join(names), transform=axes.transAxes, va="top", fontsize=7.5, linespacing=1.35)


PLOTS: dict[str, Callable[[], pyplot.Figure]] = {
    "archetypes": archetypes,
    "digits-attention": digits,
    "heavy-keys": KeptKeysPlot("heavy-keys", "share of the weights held"),
    "heavy-keys-errors": KeptKeysPlot("heavy-keys-errors", "error of the attention"),
    "lp-regression-speed": lp_regression,
    "refit": refit,
    "topics": topics,
    "whole-models": whole_models,
}


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    for name, draw in PLOTS.items():
        figure = draw()
        if arguments.update_docs:
            save_plot(figure, name)


if __name__ == "__main__":
    main()
