# SPDX-License-Identifier: Apache-2.0
"""Forward time and memory of all-MiniLM-L6-v2 with its table as it is and encoded, by stock transformers.

The models take turns, so that a slow minute of the machine hits both. Memory: what the table's parameters hold, beside
the bytes that they take in the file. Run it on an idle machine; about half a minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import loewner
import numpy as np
import torch
import transformers
from results_page import ROOT, markdown_table, publish
from safetensors import safe_open

sys.path.insert(0, str(ROOT / "bench"))
from sentence_fidelity import minilm_folder

THREADS, BATCH, TOKENS = 2, 8, 32


def load(folder: Path) -> transformers.PreTrainedModel:
    return transformers.AutoModel.from_pretrained(folder).eval()


def held_bytes(model: transformers.PreTrainedModel) -> int:
    return sum(p.numel() * p.element_size() for p in model.get_input_embeddings().parameters())


def stored_bytes(folder: Path) -> int:
    with safe_open(folder / "model.safetensors", framework="pt") as tensors:
        names = [name for name in tensors.keys() if "word_embeddings" in name]  # noqa: SIM118
        return sum(tensors.get_tensor(name).nbytes for name in names)


def forward_seconds(models: dict[str, transformers.PreTrainedModel], rounds: int) -> dict[str, list[float]]:
    ids = torch.randint(1000, 30000, (BATCH, TOKENS), generator=torch.Generator().manual_seed(0))
    seconds: dict[str, list[float]] = {name: [] for name in models}
    with torch.inference_mode():
        for number in range(rounds + 5):
            for name, model in models.items():
                start = time.perf_counter()
                model(input_ids=ids)
                if number >= 5:  # the first ones warm up caches and threads
                    seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="counted forwards of each model (default 100)")
    parser.add_argument("--update-docs", action="store_true", help="write the table into docs/results.md")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"dense": minilm_folder()}
        for name, factor_format in (("keep 0.72, f32", "f32"), ("keep 0.36, f16", "f16")):
            folders[name] = Path(scratch) / name
            keep, number_format = float(name[5:9]), loewner.NumberFormat[factor_format]
            loewner.compress(folders["dense"], folders[name], keep=keep, factor_format=number_format)
        models = {name: load(folder) for name, folder in folders.items()}
        seconds = forward_seconds(models, arguments.rounds)
        reference = float(np.median(seconds["dense"]))
        rows = [
            [
                name,
                f"{np.median(seconds[name]) * 1e3:.2f}",
                f"{np.median(seconds[name]) / reference:.3f}",
                f"{stored_bytes(folder) / 1e6:.2f}",
                f"{held_bytes(models[name]) / 1e6:.2f}",
            ]
            for name, folder in folders.items()
        ]
    header = ["table", f"ms per {BATCH} x {TOKENS} tokens", "of dense", "MB in the file", "MB in memory"]
    publish("inference", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
