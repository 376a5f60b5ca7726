# SPDX-License-Identifier: Apache-2.0
"""Random variation of the scores of table_tasks.py: equal bits, codes with several seeds.

--models: a folder with one sequence classifier per task. On a dev split of a few hundred to a thousand sentences, a
handful of changed answers moves the score by a point, and codes of two bits change some answers at random; the mean
over seeds is the loss due to the codes. Scores as in table_tasks.py and cached with them. Three hours on two cores;
--settings runs those whose names contain a text, without a change of the page.
"""

from __future__ import annotations

import sys

import numpy as np
from matrices import quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_tasks import Scores, tasks_in

SEEDS = range(8)
# options of `loewner compress` by setting
SETTINGS = {
    "table, 2 bits, auto": ["--bits", "2", "--text", "none"],
    "table, 2 bits, codes": ["--bits", "2", "--method", "codes", "--text", "none"],
    "table, 1 bit, calibrated": ["--bits", "1", "--text", "package"],
    "all, 4 bits, calibrated": ["--all", "--bits", "4", "--text", "package"],
    "all, 3 bits, calibrated": ["--all", "--bits", "3", "--text", "package"],
}


def with_error(drops: np.ndarray) -> str:
    """Mean and its standard error."""
    return f"{drops.mean():.2f} ± {drops.std(ddof=1) / np.sqrt(len(drops)):.2f}"


def main() -> None:
    parser = experiment_parser(__doc__, glue=True, models=True)
    parser.add_argument("--settings", default="", metavar="TEXT", help="those whose names contain it; prints them only")
    arguments = parser.parse_args()
    quiet_transformers()
    scores = Scores(arguments.glue)
    original = np.array(scores.originals(arguments.models))
    rows = []
    for name, options in SETTINGS.items():
        if arguments.settings not in name:
            continue
        drops = np.array([original - scores.after([*options, "--seed", str(s)], arguments.models) for s in SEEDS])
        means = drops.mean(axis=1)
        rows.append([name, *map(with_error, drops.T), with_error(means), f"{means.min():.2f} to {means.max():.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
    header = ["setting", *tasks_in(arguments.models), "mean of the tasks", "least and most of a seed"]
    publish("seeds", markdown_table(header, rows), arguments.update_docs and not arguments.settings)


if __name__ == "__main__":
    main()
