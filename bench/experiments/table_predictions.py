# SPDX-License-Identifier: Apache-2.0
"""The predicted change of a model's outputs against the measured one, with and without corrections of earlier errors.

--models: a folder with sequence classifiers. Linear layers and tables have 3 bits, calibrated with the package's text,
and for all-MiniLM-L6-v2 also with sentences of STS-B. The change is 1 - cos of sentence vectors or the divergence of
class probabilities, on lines that no layer was fitted to. Means over seeds, since single lines near the decision of a
classifier dominate its divergence. A minute per run on two cores, an hour for four classifiers.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import loewner
import numpy as np
from loewner.transformers.calibration import walk
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table
from table_calibration import OF_THE_TASK, argument_of
from table_tasks import tasks_in

SEEDS = range(4)


@contextmanager
def without_corrections() -> Iterator[None]:
    before = walk.best_correction
    walk.best_correction = lambda _weight, _moments: 0.0
    try:
        yield
    finally:
        walk.best_correction = before


def change(model: Path, text: str, seed: int) -> tuple[float, float]:
    """Predicted and measured."""
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        report = loewner.compress(model, Path(folder) / "out", selection="all", bits=3, text=text, seed=seed)
    told = report.to_dict()["calibration"]
    return told["predicted"], told["measured"]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    quiet_transformers()
    cases = [(minilm_folder(), "all-MiniLM-L6-v2", text) for text in (OF_THE_TASK, "package")]
    cases += [(arguments.models / task, task, "package") for task in tasks_in(arguments.models)]
    rows = []
    for model, name, text in cases:
        argument = argument_of(text, arguments.glue)
        corrected = np.array([change(model, argument, seed) for seed in SEEDS])
        with without_corrections():
            plain = np.array([change(model, argument, seed) for seed in SEEDS])
        predicted, measured = corrected.mean(0)
        left = measured / plain[:, 1].mean()
        rows.append([name, text, *(f"{x:.4f}" for x in (predicted, measured, plain[:, 1].mean())), f"{left:.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
    header = ["model", "text", "predicted", "measured", "without corrections", "left by corrections"]
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
