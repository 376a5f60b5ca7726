# SPDX-License-Identifier: Apache-2.0
"""Random variation of the scores of table_tasks.py: equal bits, codes with several seeds.

--models: a folder with one sequence classifier per task. On a dev split of a few hundred to a thousand sentences, a
handful of changed answers moves the score by a point, and codes of two bits change some answers at random; the mean
over seeds is the loss due to the codes. Scores as in table_tasks.py and cached with them. About fifteen minutes on two
cores.
"""

from __future__ import annotations

import sys

import numpy as np
from matrices import quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_tasks import Scores, tasks_in

SEEDS = range(8)
SETTINGS = {
    "2 bits, auto": ["--bits", "2"],
    "2 bits, codes": ["--bits", "2", "--method", "codes"],
}


def with_error(drops: np.ndarray) -> str:
    """Mean and its standard error."""
    return f"{drops.mean():.2f} ± {drops.std(ddof=1) / np.sqrt(len(drops)):.2f}"


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    quiet_transformers()
    scores = Scores(arguments.glue)
    original = np.array(scores.originals(arguments.models))
    rows = []
    for name, options in SETTINGS.items():
        drops = np.array([original - scores.after([*options, "--seed", str(s)], arguments.models) for s in SEEDS])
        means = drops.mean(axis=1)
        rows.append([name, *map(with_error, drops.T), with_error(means), f"{means.min():.2f} to {means.max():.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
    header = ["setting", *tasks_in(arguments.models), "mean of the tasks", "least and most of a seed"]
    publish("seeds", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
