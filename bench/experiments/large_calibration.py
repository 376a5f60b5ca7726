# SPDX-License-Identifier: Apache-2.0
"""Time and peak memory of `compress --all` with calibration for decoders of random weights that exceed the memory.

    python bench/experiments/large_calibration.py [--folder FOLDER] [--sizes NAME ...]

Writes each model into FOLDER (bf16, a shard for each layer, a Llama configuration, the tokenizer of all-MiniLM-L6-v2),
compresses it to 3 bits with 4096 tokens of the package's text, and removes the files. Prints a table, and fails if a
run took more memory than its limit.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from compressed import TOOL
from large_checkpoint import measure
from results_page import markdown_table
from safetensors.torch import save_file
from sentence_fidelity import minilm_folder

VOCABULARY = 30_522
HEADER = ["weights", "--max-memory", "seconds", "CPU seconds", "peak GB"]


@dataclass(frozen=True)
class Decoder:
    """A Llama with a fourth as many keys as queries, of heads of 64 entries."""

    layers: int
    hidden: int
    memory: str  # --max-memory

    def config(self) -> dict[str, Any]:
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": VOCABULARY,
            "hidden_size": self.hidden,
            "intermediate_size": 4 * self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.hidden // 64,
            "num_key_value_heads": self.hidden // 256,
            "max_position_embeddings": 2048,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
        }

    def matrices(self) -> dict[str, tuple[int, int]]:
        """Of a block."""
        wide, narrow, keys = 4 * self.hidden, self.hidden, self.hidden // 4
        attention = {"q": (narrow, narrow), "k": (keys, narrow), "v": (keys, narrow), "o": (narrow, narrow)}
        forward = {"gate": (wide, narrow), "up": (wide, narrow), "down": (narrow, wide)}
        return {f"self_attn.{name}_proj.weight": shape for name, shape in attention.items()} | {
            f"mlp.{name}_proj.weight": shape for name, shape in forward.items()
        }

    def weights(self) -> int:
        return VOCABULARY * self.hidden + self.layers * sum(rows * cols for rows, cols in self.matrices().values())


SIZES = {"90M": Decoder(4, 1024, "2GB"), "1B": Decoder(16, 2048, "4GB")}


def write_model(folder: Path, decoder: Decoder) -> None:
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)

    def random(rows: int, cols: int) -> torch.Tensor:
        decay = (1 + 8 * torch.arange(cols) / cols).rsqrt()
        return (torch.randn(rows, cols, generator=generator) * decay * cols**-0.5).bfloat16()

    ones, layers = torch.ones(decoder.hidden, dtype=torch.bfloat16), decoder.layers
    shards = {"tables": {"model.embed_tokens.weight": random(VOCABULARY, decoder.hidden), "model.norm.weight": ones}}
    weight_map: dict[str, str] = {}
    for number in range(-1, layers):
        prefix = f"model.layers.{number}."
        tensors = shards.pop("tables", None) or {
            **{prefix + name: random(*shape) for name, shape in decoder.matrices().items()},
            prefix + "input_layernorm.weight": ones.clone(),
            prefix + "post_attention_layernorm.weight": ones.clone(),
        }
        file = f"model-{number + 2:05}-of-{layers + 1:05}.safetensors"
        save_file(tensors, folder / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(tensors, file))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps(decoder.config()))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(minilm_folder() / name, folder / name)


def run(scratch: Path, decoder: Decoder) -> list[str]:
    model, out = scratch / "model", scratch / "out"
    # In a process of its own, since the peak memory of a parent counts as that of its children.
    writer = multiprocessing.get_context("spawn").Process(target=write_model, args=(model, decoder))
    writer.start()
    writer.join()
    if writer.exitcode != 0:
        raise SystemExit("cannot write the model")
    options = ["--all", "--bits", "3", "--max-memory", decoder.memory, "--text", "package", "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, peak = measure([TOOL, "compress", str(model), "-o", str(out), *options])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    weights = f"{decoder.weights() / 1e6:.0f} million"
    return [weights, decoder.memory, f"{seconds:.0f}", f"{cpu:.0f}", f"{peak:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a folder with 4 GB of free space (default: the temporary folder)")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["1B"], metavar="NAME", help=", ".join(SIZES))
    options = parser.parse_args()
    rows = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="loewner-large-", dir=options.folder) as scratch:
            rows.append(run(Path(scratch), SIZES[size]))
        print(*rows[-1], file=sys.stderr, flush=True)
    print(markdown_table(HEADER, rows))
    if any(float(peak) > float(limit.removesuffix("GB")) for _, limit, _, _, peak in rows):
        raise SystemExit("a run took more memory than its limit")


if __name__ == "__main__":
    main()
