# SPDX-License-Identifier: Apache-2.0
"""Forward time of the model with layers that stay encoded, beside the runtimes that users have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from measured_rows import MeasuredRows
from peer import Setting
from runtimes import LAYER_TIMES
from table_calibration import sentences_of_the_task
from turns import median_seconds

THREADS = (1, 2)
SHAPES = ((1, 16), (1, 128), (8, 128), (32, 128))
HEADER = ["model", *(f"{b} x {n}, {t} thr." for t in THREADS for b, n in SHAPES)]


def measured(rounds: int, _: dict | None) -> dict:
    """The median seconds of all models, for every number of threads and shape."""
    names = [setting.name for setting in LAYER_TIMES if not setting.why_missing()]
    found = {threads: median_seconds(names, SHAPES, rounds, threads) for threads in THREADS}
    return {"seconds": {name: [x for threads in THREADS for x in found[threads][name]] for name in names}}


def rows(glue: Path, store: MeasuredRows, rounds: int) -> list[list[str]]:
    """The first row in milliseconds, the others relative to it; all of one run."""
    sentences_of_the_task(glue)  # writes them to the file that the peers calibrate on
    packages = tuple(sorted({package for setting in LAYER_TIMES for package in setting.packages}))
    run = Setting("all", packages, "", partial(measured, rounds))
    seconds = store.get("layer-times", run, run.run, same_processor=True)["seconds"]
    first = seconds[LAYER_TIMES[0].name]
    table = [[LAYER_TIMES[0].name, *(f"{1e3 * x:.0f} ms" for x in first)]]
    for setting in LAYER_TIMES[1:]:
        mine = seconds.get(setting.name)
        ratios = [f"{x / y:.2f}" for x, y in zip(mine, first, strict=True)] if mine else ["not installed"] * len(first)
        table.append([setting.name, *ratios])
    return table
