# SPDX-License-Identifier: Apache-2.0
"""Time of `loewner compress --ray` on two nodes with one CPU each, compared with `--threads 2` in one process.

    python bench/experiments/table_ray.py [--method NAME] [--layers N] [--width N] [--folder FOLDER] [--rounds N]
        [--update-docs]

Writes a made-up checkpoint of f16 layers into FOLDER (by default 20 GB in 350 matrices; `--layers 36 --width 1536` is
2 GB in 252), starts a cluster of node processes on this machine, runs both in turns, compares the bytes of the outputs,
and removes the files. The cluster runs before a measurement starts. Medians, without a first round to warm up: files of
20 GB exceed the page cache. Run it on an idle machine with two cores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from compressed import TOOL
from random_checkpoint import AMOUNTS, write_layers
from ray.cluster_utils import Cluster
from results_page import experiment_parser, markdown_table, publish
from timing import in_turns

OPTIONS = ["--all", "--text", "none", "--quiet", "--overwrite"]
HEADER = ["run", "seconds", "of one process"]


def two_nodes() -> Any:
    # By default tasks give way to all other work.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    return cluster


def compress(model: Path, method: str, out: Path, *options: str) -> None:
    amount = ["--method", method, *AMOUNTS[method]]
    subprocess.run([TOOL, "compress", str(model), "-o", str(out), *OPTIONS, *amount, *options], check=True)


def require_same(first: Path, second: Path) -> None:
    for path in first.iterdir():
        if path.read_bytes() != (second / path.name).read_bytes():
            raise SystemExit(f"{path.name}: the two runs wrote other bytes")


def measured(folder: Path, method: str, layers: int, width: int, rounds: int) -> list[list[str]]:
    model, one, ray = folder / "model", folder / "one" / "out", folder / "ray" / "out"  # the card names the folder
    write_layers(model, layers, width)
    for out in (one, ray):
        out.parent.mkdir()
    cluster = two_nodes()
    try:
        runs = {
            "`--threads 2`": partial(compress, model, method, one, "--threads", "2"),
            "`--ray`, 2 nodes with 1 CPU": partial(compress, model, method, ray, "--ray", cluster.address),
        }
        times = in_turns(runs, rounds, warms_up=False)
    finally:
        cluster.shutdown()
    require_same(one, ray)
    alone = next(iter(times.values())).seconds
    return [[name, f"{time.seconds:.1f}", f"{time.seconds / alone:.2f}"] for name, time in times.items()]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--method", choices=AMOUNTS, default="codes", help="of the encodings (default codes)")
    parser.add_argument("--layers", type=int, default=50, help="layers of seven matrices (default 50)")
    parser.add_argument("--width", type=int, default=4096, help="of the layers (default 4096)")
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of each (default 3)")
    parser.add_argument("--folder", type=Path, help="a folder with twice the space (default: the temporary folder)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="loewner-ray-", dir=options.folder))
    try:
        rows = measured(folder, options.method, options.layers, options.width, options.rounds)
    finally:
        shutil.rmtree(folder)
    publish("ray", markdown_table(HEADER, rows), options.update_docs)


if __name__ == "__main__":
    main()
