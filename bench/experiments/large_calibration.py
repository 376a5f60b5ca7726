# SPDX-License-Identifier: Apache-2.0
"""Time and peak memory of `compress --all` with calibration for a decoder of a billion random weights.

    python bench/experiments/large_calibration.py [--folder FOLDER] [--layers N ...] [--update-docs]

Writes the model into FOLDER (bf16, a shard for each layer, a Llama configuration, the tokenizer of all-MiniLM-L6-v2),
compresses it to 3 bits with 4096 tokens of the package's text, and removes the files. Half an hour on two cores.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from compressed import TOOL
from large_checkpoint import measure
from matrices import minilm_folder
from results_page import experiment_parser, markdown_table, publish
from safetensors.torch import save_file

VOCABULARY, HIDDEN, INNER, HEADS, KEY_HEADS = 30_522, 2048, 8192, 32, 8
LAYERS = [16]
MEMORY = "4GB"
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_HEADS,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
HEADER = ["layers", "weights", "seconds", "peak GB"]


def matrices() -> dict[str, tuple[int, int]]:
    keys = HIDDEN // HEADS * KEY_HEADS
    attention = {"q": (HIDDEN, HIDDEN), "k": (keys, HIDDEN), "v": (keys, HIDDEN), "o": (HIDDEN, HIDDEN)}
    forward = {"gate": (INNER, HIDDEN), "up": (INNER, HIDDEN), "down": (HIDDEN, INNER)}
    return {f"self_attn.{name}_proj.weight": shape for name, shape in attention.items()} | {
        f"mlp.{name}_proj.weight": shape for name, shape in forward.items()
    }


def weights(layers: int) -> int:
    return VOCABULARY * HIDDEN + layers * sum(rows * cols for rows, cols in matrices().values())


def write_model(folder: Path, layers: int) -> None:
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)

    def random(rows: int, cols: int) -> torch.Tensor:
        decay = (1 + 8 * torch.arange(cols) / cols).rsqrt()
        return (torch.randn(rows, cols, generator=generator) * decay * cols**-0.5).bfloat16()

    ones = torch.ones(HIDDEN, dtype=torch.bfloat16)
    shards = {"tables": {"model.embed_tokens.weight": random(VOCABULARY, HIDDEN), "model.norm.weight": ones}}
    weight_map: dict[str, str] = {}
    for number in range(-1, layers):
        prefix = f"model.layers.{number}."
        tensors = shards.pop("tables", None) or {
            **{prefix + name: random(*shape) for name, shape in matrices().items()},
            prefix + "input_layernorm.weight": ones.clone(),
            prefix + "post_attention_layernorm.weight": ones.clone(),
        }
        file = f"model-{number + 2:05}-of-{layers + 1:05}.safetensors"
        save_file(tensors, folder / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(tensors, file))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(minilm_folder() / name, folder / name)


def run(scratch: Path, layers: int) -> list[str]:
    model, out = scratch / "model", scratch / "out"
    # In a process of its own, since the peak memory of a parent counts as that of its children.
    writer = multiprocessing.get_context("spawn").Process(target=write_model, args=(model, layers))
    writer.start()
    writer.join()
    if writer.exitcode != 0:
        raise SystemExit("cannot write the model")
    options = ["--all", "--bits", "3", "--max-memory", MEMORY, "--text", "package", "--quiet"]
    seconds, peak = measure([TOOL, "compress", str(model), "-o", str(out), *options])
    return [str(layers), f"{weights(layers) / 1e6:.0f} million", f"{seconds:.0f}", f"{peak:.2f}"]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--folder", type=Path, help="a folder with 4 GB of free space (default: the temporary folder)")
    parser.add_argument("--layers", nargs="+", type=int, default=LAYERS, metavar="N", help="sizes (default: 16)")
    options = parser.parse_args()
    rows = []
    for layers in options.layers:
        with tempfile.TemporaryDirectory(prefix="loewner-large-", dir=options.folder) as scratch:
            rows.append(run(Path(scratch), layers))
        print(*rows[-1], file=sys.stderr, flush=True)
    publish("large-calibration", markdown_table(HEADER, rows), options.update_docs)


if __name__ == "__main__":
    main()
