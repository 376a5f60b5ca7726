# SPDX-License-Identifier: Apache-2.0
"""Forward time of all-MiniLM-L6-v2 with linear layers that stay encoded, beside dense layers; one and two threads.

The models take turns, so that a slow phase of the machine affects all of them; the median of the ratios counts. cos:
the mean cosine of the token vectors to those of the same encoded model with all layers decoded. Run it on an idle
machine; about four minutes.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import torch
import transformers
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_inference import resident_growth

SHAPES = ((1, 16), (1, 128), (8, 128), (32, 128))
CODED: dict[str, dict[str, Any]] = {
    "codes, 3 bits": {"bits": 3.0, "text": "none"},
    "codes, 4.5 bits": {"bits": 4.5, "text": "none"},
    "input codes, 3 bits": {"bits": 3.0, "text": "package"},
}
SMALL_SHAPES = ((1, 1), (1, 16), (1, 128), (8, 128))
OTHERS: dict[str, dict[str, Any]] = {
    "int8": {"method": "int8", "bits": 9.0},
    "int4": {"method": "int4", "bits": 5.0},
    "coded-svd, 3 bits": {"method": "coded-svd", "bits": 3.0},
    "svd, keep 0.5, f32": {"method": "svd", "keep": 0.5, "factor_format": "f32"},
    "svd, keep 0.25, f16": {"method": "svd", "keep": 0.25, "factor_format": "f16"},
}
MATRIX = 4096


def batch_ids(shape: tuple[int, int]) -> torch.Tensor:
    return torch.randint(1000, 30000, shape, generator=torch.Generator().manual_seed(0))


def seconds_in_turns(forwards: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in forwards}
    for number in range(rounds + 1):
        for name, forward in forwards.items():
            start = time.perf_counter()
            forward()
            if number > 0:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def models_of(folders: dict[str, Path]) -> dict[str, Any]:
    models = {
        "torch float32": transformers.AutoModel.from_pretrained(minilm_folder()).eval(),
        "torch bfloat16": transformers.AutoModel.from_pretrained(minilm_folder(), dtype=torch.bfloat16).eval(),
    }
    for name, folder in folders.items():
        models[f"{name}, decoded"] = loewner.load(folder, memory="dense").eval()
        models[f"{name}, encoded"] = loewner.load(folder, memory="auto").eval()
    return models


def mean_cosine(model: Any, reference: Any) -> float:
    ids = batch_ids((8, 128))
    found, expected = (m(input_ids=ids).last_hidden_state.float() for m in (model, reference))
    return float(torch.nn.functional.cosine_similarity(found, expected, dim=-1).mean())


def other_rows(scratch: Path, rounds: int) -> list[list[str]]:
    """Models in the other structures, loaded with memory="auto"."""
    folders = {name: scratch / f"other-{number}" for number, name in enumerate(OTHERS)}
    models = {"torch float32": transformers.AutoModel.from_pretrained(minilm_folder()).eval()}
    for name, options in OTHERS.items():
        loewner.compress(minilm_folder(), folders[name], selection="all", text="none", **options)
        models[name] = loewner.load(folders[name]).eval()
    rows = forward_rows(models, rounds, SMALL_SHAPES, (1,))
    rows[0] += [f"{resident_growth(minilm_folder(), 'dense')[1] / 1e6:.0f}", ""]
    for row in rows[1:]:
        folder = folders[row[0]]
        cosine = mean_cosine(models[row[0]], loewner.load(folder, memory="dense").eval())
        row += [f"{resident_growth(folder, 'auto')[1] / 1e6:.0f}", f"{cosine:.5f}"]
    return rows


def shared_head_rows(scratch: Path, rounds: int) -> list[list[str]]:
    """Milliseconds of a head that shares the table of MiniLM in coded-svd at 3 bits, one thread."""
    torch.set_num_threads(1)
    loewner.compress(minilm_folder(), scratch / "table", method="coded-svd", bits=3.0, text="none")
    table = loewner.load(scratch / "table").get_input_embeddings()
    arrays = {name: getattr(table, name).detach().numpy() for name in table.array_names()}
    head = loewner.StoredMatrix(json.dumps(table.spec), arrays)
    dense, rows = torch.from_numpy(head.decode()), []
    for count in (1, 16, 128):
        x = torch.randn(count, head.cols, generator=torch.Generator().manual_seed(0))
        products = {
            "dense": lambda x=x: torch.nn.functional.linear(x, dense),
            "in float32 by blocks": lambda x=x: head.apply(x.numpy()),
            "in bytes": lambda x=x: head.multiply(x.numpy()),
        }
        seconds = seconds_in_turns(products, rounds)
        rows.append([str(count), *(f"{np.median(values) * 1e3:.1f}" for values in seconds.values())])
    return rows


def forward_rows(
    models: dict[str, Any], rounds: int, shapes: tuple[tuple[int, int], ...], all_threads: tuple[int, ...]
) -> list[list[str]]:
    ratios: dict[str, list[str]] = {name: [] for name in models}
    for threads in all_threads:
        torch.set_num_threads(threads)
        for shape in shapes:
            ids = batch_ids(shape)
            forwards = {name: lambda m=model, i=ids: m(input_ids=i) for name, model in models.items()}
            seconds = seconds_in_turns(forwards, rounds if shape[0] < 32 else max(3, rounds // 4))
            first = next(iter(models))
            for name in models:
                median = float(np.median(np.divide(seconds[name], seconds[first])))
                text = f"{np.median(seconds[first]) * 1e3:.0f} ms" if name == first else f"{median:.2f}"
                ratios[name].append(text)
    return [[name, *values] for name, values in ratios.items()]


def one_token_rows(rounds: int) -> list[list[str]]:
    """The times of 4096 x 4096 layers with one token, over that of torch in float32."""
    layers = {f"codes, {bits} bits": random_codes(bits) for bits in (2, 3, 4)}
    layers |= {f"int{bits}": random_integers(bits) for bits in (8, 4)}
    weight = np.random.default_rng(0).standard_normal((MATRIX, MATRIX), dtype=np.float32)
    x, dense = np.ones((1, MATRIX), np.float32), torch.from_numpy(weight)
    ratios: dict[str, list[str]] = {name: [] for name in layers}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, layer in layers.items():
            products = {
                "dense": lambda: torch.nn.functional.linear(torch.from_numpy(x), dense),
                "encoded": lambda m=layer, t=threads: m.multiply(x, threads=t),
            }
            seconds = seconds_in_turns(products, rounds)
            ratios[name].append(f"{np.median(np.divide(seconds['encoded'], seconds['dense'])):.2f}")
    return [[name, *values] for name, values in ratios.items()]


# The time of a product does not depend on the codes: any will do.
def random_codes(bits: int) -> loewner.StoredMatrix:
    random, row_bytes = np.random.default_rng(0), bits * MATRIX // 8
    arrays = {
        "codes": random.integers(0, 256, (MATRIX * row_bytes, 1), dtype=np.uint8),
        "bits": np.full((MATRIX // 2, 1), bits * 17, np.uint8),
        "scales": np.ones((MATRIX, 1), np.float16),
    }
    fields = {"rotation_seed": 0, "scale_exponent": 0, "code_bytes": MATRIX * row_bytes, "has_shared": False}
    spec = {"structure": "codes", "rows": MATRIX, "cols": MATRIX, **fields}
    return loewner.StoredMatrix(json.dumps(spec), arrays)


# 8 bits in one group a row and 4 bits in groups of 64, as the methods int8 and int4 have them.
def random_integers(bits: int) -> loewner.StoredMatrix:
    group = 64 if bits == 4 else MATRIX
    arrays = {
        "codes": np.random.default_rng(0).integers(0, 256, (MATRIX, MATRIX * bits // 8), dtype=np.uint8),
        "steps": np.ones((MATRIX, MATRIX // group), np.float16),
        "offsets": np.full((MATRIX, MATRIX // group), -7, np.float16),
    }
    fields = {"bits": bits, "group": group, "scale_exponent": 0}
    spec = {"structure": "integers", "rows": MATRIX, "cols": MATRIX, **fields}
    return loewner.StoredMatrix(json.dumps(spec), arrays)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="measured forward passes of each model (default 20)")
    arguments = parser.parse_args()
    quiet_transformers()
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        folders = {name: Path(scratch) / name for name in CODED}
        for name, options in CODED.items():
            loewner.compress(minilm_folder(), folders[name], selection="all", method="codes", **options)
        models = models_of(folders)
        rows = forward_rows(models, arguments.rounds, SHAPES, (1, 2))
        for row, name in zip(rows, models, strict=True):
            coded, _, kind = name.rpartition(", ")
            if coded not in CODED:
                row += ["", "", ""]
                continue
            memory = "dense" if kind == "decoded" else "auto"
            row += [f"{size / 1e6:.0f}" for size in resident_growth(folders[coded], memory)]
            row.append(f"{mean_cosine(models[name], models[f'{coded}, decoded']):.5f}")
        others = other_rows(Path(scratch), arguments.rounds)
        heads = shared_head_rows(Path(scratch), arguments.rounds)
    header = ["model", *(f"{b} x {n}, {t} thr." for t in (1, 2) for b, n in SHAPES), "MB resident", "trimmed", "cos"]
    publish("encoded-products", markdown_table(header, rows), arguments.update_docs)
    header = ["model", *(f"{b} x {n}" for b, n in SMALL_SHAPES), "MB trimmed", "cos"]
    publish("other-structures", markdown_table(header, others), arguments.update_docs)
    header = ["vectors", "dense", "in float32 by blocks", "in bytes"]
    publish("shared-heads", markdown_table(header, heads), arguments.update_docs)
    table = markdown_table(["layer", "1 thread", "2 threads"], one_token_rows(40))
    publish("one-token", table, arguments.update_docs)


if __name__ == "__main__":
    main()
