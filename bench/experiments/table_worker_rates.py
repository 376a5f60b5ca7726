# SPDX-License-Identifier: Apache-2.0
"""Weights a second of one CPU in each step of `loewner compress --worker` and `--assemble`.

    python bench/experiments/table_worker_rates.py [--method NAME ...] [--layers N] [--width N] [--folder FOLDER]
        [--rounds N] [--update-docs]

Writes a made-up checkpoint of f16 layers into FOLDER (by default 1 GB in 126 matrices), plans it, makes all parts in
one worker, and assembles the output, each on one thread, and removes the files. The worker plans too; the time of
`--dry-run` is taken off. Medians; rates are those of the processor's time, which other work changes little. From them
docs/design/giants.md computes the times of large models.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from compressed import TOOL
from random_checkpoint import AMOUNTS, shapes_of_layer, write_layers
from results_page import experiment_parser, markdown_table, publish

OPTIONS = ["--all", "--text", "none", "--quiet", "--threads", "1"]
HEADER = ["method", "step", "seconds", "seconds of the processor", "million weights a second"]


@dataclass(frozen=True)
class Time:
    seconds: float
    of_processor: float

    def __sub__(self, other: Time) -> Time:
        return Time(self.seconds - other.seconds, self.of_processor - other.of_processor)


def time_of(command: list[str]) -> Time:
    start = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return Time(time.monotonic() - start, usage.ru_utime + usage.ru_stime)


def times_of_steps(model: Path, out: Path, method: str) -> dict[str, Time]:
    command = [TOOL, "compress", str(model), "-o", str(out), "--method", method, *AMOUNTS[method], *OPTIONS]
    plan, worker, assembly = (
        time_of([*command, *step]) for step in (["--dry-run"], ["--worker", "0/1"], ["--assemble"])
    )
    shutil.rmtree(out)
    return {"plan": plan, "encode and measure": worker - plan, "assemble": assembly}


def rows_of(model: Path, method: str, weights: int, rounds: int) -> list[list[str]]:
    runs = [times_of_steps(model, model.with_name("out"), method) for _ in range(rounds)]
    rows = []
    for step in runs[0]:
        seconds, of_processor = (
            median(getattr(run[step], name) for run in runs) for name in ("seconds", "of_processor")
        )
        rows.append([method, step, f"{seconds:.1f}", f"{of_processor:.1f}", f"{weights / 1e6 / of_processor:.1f}"])
    return rows


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--method", nargs="+", choices=AMOUNTS, default=["codes", "int4"], help="of the encodings")
    parser.add_argument("--layers", type=int, default=18, help="layers of seven matrices (default 18)")
    parser.add_argument("--width", type=int, default=1536, help="of the layers (default 1536)")
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of each (default 3)")
    parser.add_argument("--folder", type=Path, help="a folder with 3 GB of space (default: the temporary folder)")
    options = parser.parse_args()
    weights = options.layers * sum(rows * cols for rows, cols in shapes_of_layer(0, options.width).values())
    folder = Path(tempfile.mkdtemp(prefix="loewner-rates-", dir=options.folder))
    try:
        model = folder / "model"
        write_layers(model, options.layers, options.width)
        rows = [row for method in options.method for row in rows_of(model, method, weights, options.rounds)]
    finally:
        shutil.rmtree(folder)
    publish("worker-rates", markdown_table(HEADER, rows), options.update_docs)


if __name__ == "__main__":
    main()
