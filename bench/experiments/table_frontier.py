# SPDX-License-Identifier: Apache-2.0
"""Quality of all-MiniLM-L6-v2 against the bytes of its token embedding, for every method and for plain integers.

cos: mean cosine of sentence vectors to those of the original over the sentences of STS-B dev and MRPC dev. sts:
Spearman x 100 on STS-B dev. int3 and int2 are plain rounding with a scale and an offset in f16 per group; this script
implements them, since the tool does not offer them. About 30 s per row on two cores; results of earlier runs are cached
in out/experiments/quality.json. Writes the table, docs/images/frontier.svg and docs/images/frontier.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

import numpy as np
from compressed import compressed
from matplotlib import pyplot
from matrices import minilm_folder, minilm_table, quiet_transformers
from plots import IMAGES, save_plot
from results_page import experiment_parser, markdown_table, publish
from table_quality import Fidelity

BITS = ("0.75", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "6", "7", "8")
KEEPS = ("0.25", "0.36", "0.5", "0.72")

# family, options of `loewner compress`
SETTINGS = [
    *(("svd, f32", ["--method", "svd", "--keep", keep]) for keep in KEEPS),
    *(("subspaces, f32", ["--method", "subspaces", "--keep", keep]) for keep in KEEPS),
    *(("subspaces, f16", ["--method", "subspaces", "--factor-format", "f16", "--keep", keep]) for keep in KEEPS[:3]),
    *(("codes", ["--method", "codes", "--bits", bits]) for bits in BITS),
    *(("coded-svd", ["--method", "coded-svd", "--bits", bits]) for bits in BITS),
    *(("auto", ["--bits", bits]) for bits in ("1", "2", "3", "4.5", "9", "17")),
    ("int8 per row", ["--method", "int8", "--bits", "9"]),
    ("int4, groups of 64", ["--method", "int4", "--bits", "5"]),
]
PLAIN = {"int3, groups of 64": (3, 64), "int2, groups of 32": (2, 32)}


@dataclass(frozen=True)
class Point:
    family: str
    bytes: int
    cos: float
    sts: float


def rounded(a: np.ndarray, bits: int, group: int) -> np.ndarray:
    """Rounds each group of a row to 2^bits equally spaced values between its extremes; scale and offset in f16."""
    groups = a.reshape(-1, group)
    low = groups.min(axis=1, keepdims=True).astype(np.float16).astype(np.float32)
    step = ((groups.max(axis=1, keepdims=True) - low) / (2**bits - 1)).astype(np.float16).astype(np.float32)
    codes = np.clip(np.round((groups - low) / np.maximum(step, 1e-30)), 0, 2**bits - 1)
    return (low + codes * step).reshape(a.shape).astype(np.float32)


def plot(points: list[Point]) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5))
    for axis, quality, label in ((axes[0], "cos", "1 - cos"), (axes[1], "sts", "sts (original 86.72)")):
        for family in dict.fromkeys(point.family for point in points):
            chosen = sorted((p for p in points if p.family == family), key=lambda p: p.bytes)
            values = [1 - p.cos if quality == "cos" else p.sts for p in chosen]
            axis.plot([p.bytes / 1e6 for p in chosen], values, marker="o", markersize=4, label=family)
        axis.set(xscale="log", xlabel="MB of the table, everything counted (original 46.9)", ylabel=label)
        axis.grid(True, which="both", alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].legend(fontsize=8)
    save_plot(figure, "frontier")
    (IMAGES / "frontier.json").write_text(json.dumps([asdict(point) for point in points], indent=1) + "\n")


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    table = minilm_table()
    points, rows = [], []

    def add(family: str, size: int, error: float, quality: dict) -> None:
        points.append(Point(family, size, quality["cos"], quality["sts"]))
        bits = 8 * size / table.size
        rows.append(
            [
                family,
                f"{bits:.2f}",
                f"{size / 1e6:.2f}",
                f"{error:.4f}",
                f"{quality['cos']:.4f}",
                f"{quality['sts']:.2f}",
            ]
        )
        print(*rows[-1], file=sys.stderr, flush=True)

    for family, options in SETTINGS:
        with compressed(minilm_folder(), "--text", "none", *options) as result:
            quality = fidelity.of_folder(result)
        add(family, result.table["bytes_after"], result.table["relative_error"], quality)
    for family, (bits, group) in PLAIN.items():
        decoded = rounded(table, bits, group)
        error = float(np.linalg.norm(decoded - table) / np.linalg.norm(table))
        size = table.size * bits // 8 + 2 * 2 * table.size // group
        add(family, size, error, fidelity.of_table(decoded))
    if arguments.update_docs:
        plot(points)
    header = ["method", "bits per weight", "MB", "error", "cos", "sts"]
    publish("frontier", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
