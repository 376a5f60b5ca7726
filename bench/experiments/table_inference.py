# SPDX-License-Identifier: Apache-2.0
"""Forward time and memory of all-MiniLM-L6-v2, dense and encoded: the token table alone, and all linear layers.

The models take turns, so that a slow phase of the machine affects all of them. Memory: the size of parameters and
buffers, and the increase of the resident memory of a separate process by loading the model and one forward pass. Run it
on an idle machine; about two minutes.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import loewner
import numpy as np
import torch
import transformers
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish

THREADS, BATCH, TOKENS = 2, 8, 32

# name, keyword arguments of loewner.compress (None: the original), memory= of loewner.load
SETTINGS = [
    ("dense", None, "dense"),
    ("table: svd, keep 0.72, f32", {"method": "svd", "keep": 0.72}, "dense"),
    ("table: svd, keep 0.36, f16", {"method": "svd", "keep": 0.36, "factor_format": "f16"}, "dense"),
    ("table: subspaces, keep 0.5, f32", {"method": "subspaces", "keep": 0.5}, "dense"),
    ("table: codes, 2 bits", {"method": "codes", "bits": 2.0}, "dense"),
    ("table: int8", {"method": "int8", "bits": 9.0}, "dense"),
    ("whole: codes, 3 bits", {"selection": "all", "method": "codes", "bits": 3.0}, "dense"),
    ("whole: codes, 3 bits, memory=small", {"selection": "all", "method": "codes", "bits": 3.0}, "small"),
    ("whole: int8, memory=small", {"selection": "all", "method": "int8", "bits": 9.0}, "small"),
]


def load(folder: Path, memory: str) -> transformers.PreTrainedModel:
    return loewner.load(folder, memory=memory).eval()


def batch_ids() -> torch.Tensor:
    return torch.randint(1000, 30000, (BATCH, TOKENS), generator=torch.Generator().manual_seed(0))


def held_bytes(model: transformers.PreTrainedModel) -> int:
    return sum(p.numel() * p.element_size() for p in [*model.parameters(), *model.buffers()])


def stored_bytes(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@torch.inference_mode()
def forward_seconds(models: dict[str, transformers.PreTrainedModel], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for number in range(rounds + 5):
        for name, model in models.items():
            start = time.perf_counter()
            model(input_ids=batch_ids())
            if number >= 5:  # the first rounds warm up caches and threads
                seconds[name].append(time.perf_counter() - start)
    return seconds


@torch.inference_mode()
def print_resident_growth(folder: Path, memory: str) -> None:
    """Prints the bytes after a forward, and after the C library has given back what the forward has freed.

    Runs in a separate process. A small model first makes torch and transformers allocate their own memory."""
    config = transformers.BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
    transformers.BertModel(config)(input_ids=batch_ids())
    before = resident_bytes()
    model = load(folder, memory)
    model(input_ids=batch_ids())
    gc.collect()
    resident = resident_bytes()
    ctypes.CDLL(None).malloc_trim(0)
    print(resident - before, resident_bytes() - before)


def resident_growth(folder: Path, memory: str) -> tuple[int, int]:
    """What print_resident_growth prints."""
    command = [sys.executable, __file__, "--resident", str(folder), memory]
    resident, trimmed = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    return resident, trimmed


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="measured forward passes of each model (default 60)")
    parser.add_argument("--resident", nargs=2, metavar=("FOLDER", "MEMORY"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    quiet_transformers()
    if arguments.resident:
        return print_resident_growth(Path(arguments.resident[0]), arguments.resident[1])
    with tempfile.TemporaryDirectory() as scratch:
        folders, models = {}, {}
        for name, options, memory in SETTINGS:
            folders[name] = minilm_folder() if options is None else Path(scratch) / str(len(folders))
            if options is not None:
                loewner.compress(minilm_folder(), folders[name], **options)
            models[name] = load(folders[name], memory)
        seconds = forward_seconds(models, arguments.rounds)
        reference = float(np.median(seconds["dense"]))
        rows = [
            [
                name,
                f"{np.median(seconds[name]) * 1e3:.1f}",
                f"{np.median(np.divide(seconds[name], seconds['dense'])):.3f}",
                f"{stored_bytes(folders[name]) / 1e6:.1f}",
                f"{held_bytes(models[name]) / 1e6:.1f}",
                f"{resident_growth(folders[name], memory)[0] / 1e6:.1f}",
            ]
            for name, _, memory in SETTINGS
        ]
    print(f"median of dense: {reference * 1e3:.2f} ms", file=sys.stderr)
    header = ["model", f"ms per {BATCH} x {TOKENS} tokens", "of dense", "MB in the file", "MB held", "MB resident"]
    publish("inference", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
