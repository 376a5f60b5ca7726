# SPDX-License-Identifier: Apache-2.0
"""Wall time of whole `loewner compress` processes, compared with the sum of reading, factoring and writing.

reading: all bytes of the model's weights into memory. factoring: the library calls of the method on the table in
memory. writing: the weights of the output to a file, with fsync. The whole process also checks the input, chooses the
rank, measures the errors of the stored numbers, computes the SVD that lp factors are compared with, and copies the rest
of the folder. Medians; run it on an idle machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import loewner
import numpy as np
from compressed import TOOL
from matrices import minilm_folder, minilm_table, rank_at
from results_page import OUT, experiment_parser, markdown_table, publish
from timing import timed

HEADER = ["method", "reading", "factoring", "writing", "sum", "whole process", "whole / sum"]


def svd(a: np.ndarray, rank: int) -> None:
    loewner.linalg.project_rows(a, loewner.linalg.truncated_svd(a, rank, eps=1e-4).vt)


def lp(a: np.ndarray, rank: int) -> None:
    loewner.linalg.project_rows(a, loewner.lowrank.lp_factorization(a, norm_exponent=1.5).vt[:rank])


METHODS: dict[str, Callable[[np.ndarray, int], None]] = {"svd": svd, "lp": lp}


def write_durably(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def measure(method: str, rounds: int) -> list[str]:
    """Parts and whole take turns; the first round warms up the page cache and does not count."""
    weights, a = minilm_folder() / "model.safetensors", minilm_table()
    times = []
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        output = Path(scratch) / "output"
        command = [TOOL, "compress", str(weights.parent), "-o", str(output), "--quiet"]
        command += ["--keep", "0.72", "--method", method, "--text", "none"]
        for _ in range(rounds + 1):
            whole = timed(lambda: subprocess.run(command, check=True)).seconds
            reading = timed(weights.read_bytes).seconds
            factoring = timed(lambda: METHODS[method](a, rank_at(0.72, a.shape))).seconds
            stored = (output / "model.safetensors").read_bytes()
            writing = timed(partial(write_durably, Path(scratch) / "written", stored)).seconds
            times.append((reading, factoring, writing, whole))
            shutil.rmtree(output)
    reading, factoring, writing, whole = np.median(times[1:], axis=0)
    total = reading + factoring + writing
    return [method, *(f"{t:.3f}" for t in (reading, factoring, writing, total, whole)), f"{whole / total:.2f}"]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured runs of each method (default 5)")
    arguments = parser.parse_args()
    rows = [measure(method, arguments.rounds) for method in METHODS]
    publish("compress-time", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
