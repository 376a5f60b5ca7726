# SPDX-License-Identifier: Apache-2.0
"""The experiment of the l_p paper: scores of classifiers against the compression rate of their embedding table.

Only the table is compressed; nothing is trained again. --models: a folder with one sequence classifier per task, of any
architecture, in folders named like the tasks. A cell is the drop of the mean score (as in table_tasks.py) when the
table loses that share of its bytes. About a minute per cell on two cores; earlier scores are cached in
out/experiments/tasks.json. Writes the table and docs/images/rates.svg.
"""

from __future__ import annotations

import sys

import numpy as np
from matplotlib import pyplot
from matrices import quiet_transformers
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish
from table_tasks import Scores

RATES = (10, 20, 28, 40, 50, 60)  # percent of the table's bytes that are removed
EXPONENTS = ("1", "1.25", "1.5")  # p = 2 is the SVD
WEIGHTS = {"no weights": "none", "zipf^1": "zipf:1"}

# method, options of `loewner compress`
METHODS = [
    *(
        (f"{name}, {weights}", [*options, "--row-weights", value])
        for weights, value in WEIGHTS.items()
        for name, options in (
            ("svd", ["--method", "svd"]),
            *((f"lp p={p}", ["--method", "lp", "--norm-exponent", p]) for p in EXPONENTS),
        )
    ),
    ("subspaces, no weights", ["--method", "subspaces", "--row-weights", "none"]),
    ("subspaces", ["--method", "subspaces"]),
    ("auto, f16 and codes too", []),
]
PLOTTED = ("svd, no weights", "lp p=1, no weights", "svd, zipf^1", "lp p=1, zipf^1", "subspaces")


def keep_of(rate: int) -> str:
    return f"{(100 - rate) / 100:g}"


def draw(drops: dict[str, list[float]]) -> None:
    figure, axes = pyplot.subplots(figsize=(6.5, 4))
    for name in PLOTTED:
        axes.plot(RATES, drops[name], marker="o", label=name)
    axes.set_xlabel("% of the table's bytes gone")
    axes.set_ylabel("points lost, mean of the tasks")
    axes.grid(alpha=0.3)
    axes.legend()
    save_plot(figure, "rates")


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    quiet_transformers()
    scores = Scores(arguments.glue)
    original = float(np.mean(scores.originals(arguments.models)))
    drops: dict[str, list[float]] = {}
    for name, options in METHODS:
        found = [
            scores.after(["--keep", keep_of(rate), "--text", "none", *options], arguments.models) for rate in RATES
        ]
        drops[name] = [original - float(np.mean(of_tasks)) for of_tasks in found]
        print(name, *(f"{drop:.2f}" for drop in drops[name]), file=sys.stderr, flush=True)
    draw(drops)
    header = ["method", *(f"-{rate} %" for rate in RATES)]
    rows = [[name, *(f"{drop:.2f}" for drop in found)] for name, found in drops.items()]
    publish("rates", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
