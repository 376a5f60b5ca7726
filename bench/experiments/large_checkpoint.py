# SPDX-License-Identifier: Apache-2.0
"""Time and peak memory for a synthetic 4 GB checkpoint with an embedding table of 2 GB.

    python bench/experiments/large_checkpoint.py [--folder FOLDER] [--runs NAME ...] [--update-docs]

Writes the checkpoint into FOLDER (f16, three shards, a Llama configuration), reads it once, runs the command line tool
with each setting, and removes the files. The page cache is dropped before reading and before each run. About 20 minutes
on two cores, a few of them for the dry runs.
"""

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from compressed import TOOL
from random_checkpoint import write_random_matrices
from results_page import experiment_parser, markdown_table, publish

ROWS, COLS, INNER, LAYERS = 250_000, 4096, 11_008, 8
TABLE = "model.embed_tokens.weight"
HALF = ["--keep", "0.5", "--quiet"]
RUNS = {  # name: the command and its options
    "plan": ["compress", *HALF, "--dry-run", "--max-memory", "1GB"],
    "plan --all": ["compress", *HALF, "--dry-run", "--max-memory", "1GB", "--all", "--text", "none"],
    "svd in f16": ["compress", *HALF, "--max-memory", "1.5GB", "--method", "svd", "--factor-format", "f16"],
    "svd in f32": ["compress", *HALF, "--max-memory", "1.5GB", "--method", "svd", "--factor-format", "f32"],
    "auto": ["compress", *HALF, "--max-memory", "1.5GB"],
    "verify": ["verify", "--quiet"],  # the last output
}
HEADER = ["run", "seconds", "of reading", "peak GB"]
Shapes = dict[str, tuple[int, int]]


def shards() -> list[Shapes]:
    layers: list[Shapes] = [
        {
            f"model.layers.{i}.mlp.{name}_proj.weight": shape
            for name, shape in (("up", (INNER, COLS)), ("gate", (INNER, COLS)), ("down", (COLS, INNER)))
        }
        for i in range(LAYERS)
    ]
    half = LAYERS // 2
    return [
        {TABLE: (ROWS, COLS)},
        {name: shape for layer in layers[:half] for name, shape in layer.items()},
        {name: shape for layer in layers[half:] for name, shape in layer.items()},
    ]


def write_checkpoint(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(1)
    weight_map = {}
    for number, shapes in enumerate(shards()):
        shard = f"model-{number + 1:05}-of-{len(shards()):05}.safetensors"
        write_random_matrices(folder / shard, shapes, random)
        weight_map.update(dict.fromkeys(shapes, shard))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    config = {"model_type": "llama", "vocab_size": ROWS, "hidden_size": COLS, "intermediate_size": INNER}
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True, "torch_dtype": "float16"}))


def forget(folder: Path) -> None:
    """Drops the files of a folder from the page cache."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_once(folder: Path) -> float:
    """Seconds to read all files of a folder."""
    start = time.monotonic()
    for path in folder.iterdir():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
    return time.monotonic() - start


def measure(command: list[str]) -> tuple[float, float]:
    """Runs a command, which must succeed; returns seconds and peak resident memory in GB."""
    start = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, usage.ru_maxrss * 1024 / 1e9


def command_of(name: str, model: Path, out: Path) -> list[str]:
    verb, *options = RUNS[name]
    if verb == "verify":
        return [TOOL, verb, str(out), "--against", str(model), *options]
    return [TOOL, verb, str(model), *options, *([] if "--dry-run" in options else ["-o", str(out), "--overwrite"])]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--folder", type=Path, help="a folder with 10 GB of free space (default: the temporary folder)")
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), metavar="NAME", help=", ".join(RUNS))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="loewner-large-", dir=options.folder))
    model, out = folder / "model", folder / "out"
    try:
        # In a process of its own, since the peak memory of a parent counts as that of its children.
        writer = multiprocessing.Process(target=write_checkpoint, args=(model,))
        writer.start()
        writer.join()
        if writer.exitcode != 0:
            raise SystemExit("cannot write the checkpoint")
        os.sync()  # only pages that are on disk can be dropped
        forget(model)
        reading = read_once(model)
        rows = [["reading the files", f"{reading:.1f}", "1.0", ""]]
        for name in options.runs:
            forget(model)
            seconds, peak = measure(command_of(name, model, out))
            rows.append([name, f"{seconds:.1f}", f"{seconds / reading:.1f}", f"{peak:.2f}"])
            print(*rows[-1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    publish("large", markdown_table(HEADER, rows), options.update_docs)


if __name__ == "__main__":
    main()
