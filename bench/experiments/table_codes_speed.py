# SPDX-License-Identifier: Apache-2.0
"""Time to encode the token table of all-MiniLM-L6-v2 as codes, and to decode its rows, compared with copying float32.

encode: a whole `loewner compress` process on two threads; the last row only rounds the table to float16. decode: all
rows in a random order on one thread, a batch at a time; the copy is numpy.take on the dense table. The methods take
turns; medians. The error is the relative error of the decoded table without row weights. Run it on an idle machine; one
minute.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import loewner
import numpy as np
from compressed import TOOL
from matrices import minilm_folder, minilm_table
from results_page import OUT, experiment_parser, markdown_table, publish
from safetensors.numpy import load_file
from timing import in_turns

BITS = [1, 2, 3, 4.5]
ROUNDS = 9
BATCH = 4096  # tokens
TENSOR = "embeddings.word_embeddings.weight"
HEADER = ["format", "encode, s", "million rows/s", "GB/s", "of copying", "relative error"]


def compress(output: Path, *options: str) -> None:
    command = [TOOL, "compress", str(minilm_folder()), "-o", str(output), "--overwrite", "--quiet", "--threads", "2"]
    subprocess.run([*command, *options], check=True)


def stored_table(folder: Path) -> loewner.StoredMatrix:
    spec = json.loads((folder / "config.json").read_text())["quantization_config"]["tensors"][TENSOR]
    prefix = TENSOR.removesuffix("weight")
    arrays = load_file(folder / "model.safetensors")
    held = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return loewner.StoredMatrix(json.dumps(spec), held)


def in_batches(decode: Callable[[np.ndarray], object], ids: np.ndarray) -> None:
    """As forwards do: the memory of a batch is used again, while a whole table would mostly take new pages."""
    for first in range(0, len(ids), BATCH):
        decode(ids[first : first + BATCH])


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    a = minilm_table()
    ids = np.random.default_rng(0).permutation(len(a))
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        folders = {f"codes, {bits:g} bits": Path(scratch) / f"{bits:g}" for bits in BITS}
        encoders: dict[str, Callable[[], object]] = {
            name: partial(compress, folder, "--method", "codes", "--bits", folder.name)
            for name, folder in folders.items()
        }
        encoders["float32"] = partial(compress, Path(scratch) / "dense", "--method", "dense", "--keep", "0.999")
        encoding = in_turns(encoders, 3)
        stored = {name: stored_table(folder) for name, folder in folders.items()}
        decoders: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            name: table.decode_rows for name, table in stored.items()
        }
        decoders["float32"] = partial(np.take, a, axis=0)
        loewner.set_num_threads(1)
        decoding = in_turns({name: partial(in_batches, decode, ids) for name, decode in decoders.items()}, ROUNDS)
        errors = {name: np.linalg.norm(decode(ids) - a[ids]) / np.linalg.norm(a) for name, decode in decoders.items()}
    copying = decoding["float32"].seconds
    rows = []
    for name, timed in decoding.items():
        speed = len(ids) / timed.seconds
        rows.append(
            [
                name,
                f"{encoding[name].seconds:.2f}",
                f"{speed / 1e6:.2f}",
                f"{speed * a.shape[1] * 4 / 1e9:.1f}",
                f"{copying / timed.seconds:.2f}",
                f"{errors[name]:.4f}",
            ]
        )
    publish("codes-speed", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
