# SPDX-License-Identifier: Apache-2.0
"""`make demo`: compresses the embedding table of all-MiniLM-L6-v2, verifies, loads and compares the outputs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import loewner  # noqa: F401  (registers the format with transformers)
from sentence_fidelity import SentenceEncoder, documentation_sentences, mean_cosine, minilm_folder, quiet_transformers

OUT = Path(__file__).resolve().parent.parent / "out" / "demo"

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


def run_tool(*arguments: str) -> None:
    """Runs the command line tool, with its messages on the terminal; a failure ends the demo."""
    command = [str(Path(sys.executable).parent / "loewner"), *arguments]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


def main() -> None:
    quiet_transformers()
    OUT.mkdir(parents=True, exist_ok=True)
    base = minilm_folder()
    sentences = documentation_sentences(400)
    reference = SentenceEncoder.load(base).encode(sentences)

    header = f"{'method':26}{'keep':>6}{'table MB':>10}{'folder MB':>11}{'error':>8}{'weighted':>10}{'cosine':>8}"
    print("all-MiniLM-L6-v2, table 30522 x 384; cosine: mean of 400 sentence vectors to those of the original\n")
    print(header)
    print("-" * len(header))
    size = sum(file.stat().st_size for file in base.rglob("*") if file.is_file())
    print(f"{'original':26}{'1':>6}{30522 * 384 * 4 / 1e6:10.1f}{size / 1e6:11.1f}{0:8.4f}{0:10.4f}{1:8.4f}")
    for number, (name, options) in enumerate(RUNS):
        output, report_file = OUT / f"run{number}", OUT / f"run{number}.json"
        run_tool(
            "compress", str(base), "-o", str(output), "--overwrite", "--quiet", "--json", str(report_file), *options
        )
        run_tool("verify", str(output), "--against", str(base), "--quiet")
        report = json.loads(report_file.read_text())
        table = report["tensors"][0]
        cosine = mean_cosine(SentenceEncoder.load(output).encode(sentences), reference)
        keep = table["bytes_after"] / table["bytes_before"]
        print(
            f"{name:26}{keep:6.3f}{table['bytes_after'] / 1e6:10.1f}"
            f"{report['totals']['folder_bytes_after'] / 1e6:11.1f}{table['relative_error']:8.4f}"
            f"{table['weighted_relative_error']:10.4f}{cosine:8.4f}"
        )
    print(f"\nverified and loaded with AutoModel.from_pretrained; the folders are in {OUT.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
