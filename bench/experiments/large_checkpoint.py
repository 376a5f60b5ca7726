# SPDX-License-Identifier: Apache-2.0
"""Peak memory and time on a made-up 4 GB checkpoint whose embedding table alone has 2 GB.

    python bench/experiments/large_checkpoint.py [--folder FOLDER] [--max-memory 1.5GB]

Writes the checkpoint below FOLDER by blocks of rows (f16, three shards, a Llama-like configuration), runs compress with
each setting and verify on the last output, prints a table, and removes its files. Takes some 20 minutes on two cores.
"""

import argparse
import json
import os
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROWS, COLS, INNER, LAYERS = 250_000, 4096, 11_008, 8
TABLE = "model.embed_tokens.weight"
SETTINGS = {
    "f16 svd": ["--factor-format", "f16", "--method", "svd"],
    "f32 svd": ["--factor-format", "f32", "--method", "svd"],
    "f16 auto": ["--factor-format", "f16", "--method", "auto"],
}
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


def write_shard(path: Path, shapes: Shapes, random: np.random.Generator) -> None:
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * shape[0] * shape[1]
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for rows, cols in shapes.values():
            scale = np.float32(1) / np.sqrt(1 + np.arange(cols, dtype=np.float32))  # a spectrum that decays
            for first in range(0, rows, 4096):
                block = random.standard_normal((min(4096, rows - first), cols), dtype=np.float32) * scale
                file.write(block.astype(np.float16).tobytes())


def write_checkpoint(folder: Path) -> None:
    folder.mkdir()
    random = np.random.default_rng(1)
    weight_map = {}
    for number, shapes in enumerate(shards()):
        shard = f"model-{number + 1:05}-of-{len(shards()):05}.safetensors"
        write_shard(folder / shard, shapes, random)
        weight_map.update(dict.fromkeys(shapes, shard))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    config = {"model_type": "llama", "vocab_size": ROWS, "hidden_size": COLS, "intermediate_size": INNER}
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True, "torch_dtype": "float16"}))


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and the largest resident memory in GB of a command that must succeed."""
    start = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where 10 GB are free; default: the temporary folder")
    parser.add_argument("--max-memory", default="1.5GB")
    parser.add_argument(
        "--settings", nargs="+", choices=SETTINGS, default=["f16 svd", "f32 svd"], help="auto needs 2.5GB"
    )
    options = parser.parse_args()
    tool = os.environ.get("LOEWNER_TOOL", str(Path(sys.executable).parent / "loewner"))
    folder = Path(tempfile.mkdtemp(prefix="loewner-large-", dir=options.folder))
    model, out = folder / "model", folder / "out"
    try:
        write_checkpoint(model)
        size = sum(path.stat().st_size for path in model.iterdir())
        print(f"checkpoint of {size / 1e9:.2f} GB, table {ROWS} x {COLS} f16, --max-memory {options.max_memory}")
        print(f"{'setting':12} {'seconds':>8} {'peak GB':>8}", flush=True)
        for name in options.settings:
            command = [tool, "compress", str(model), "-o", str(out), "--keep", "0.5", "--overwrite", "--quiet"]
            seconds, peak = measure([*command, "--max-memory", options.max_memory, *SETTINGS[name]])
            print(f"{name:12} {seconds:8.0f} {peak:8.2f}", flush=True)
        seconds, peak = measure([tool, "verify", str(out), "--against", str(model), "--quiet"])
        print(f"{'verify':12} {seconds:8.0f} {peak:8.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
