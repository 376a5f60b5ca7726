# SPDX-License-Identifier: Apache-2.0
"""The codes of the token embedding of all-MiniLM-L6-v2 against the rate-distortion bound, without and with a metric.

error: relative, squared and weighted; with the metric of the package's text that of the outputs. bound: what no code
of Gaussian entries can beat whose variances are those of the rows and of the principal channels (reverse
water-filling), with 6 bits an entry of the directions and 16 bits a row taken off. ratio: error over bound. predicted:
the planner's error over the measured one, not squared. Half a minute per row on two cores.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from compressed import compressed
from loewner._core import study_tensor
from matrices import minilm_folder, minilm_table
from results_page import OUT, experiment_parser, markdown_table, publish
from safetensors import safe_open

BITS, CODES = ["0.5", "1", "1.5", "2", "3"], ["trellis", "entropy"]
TENSOR = "embeddings.word_embeddings.weight"
DAMPING = 0.05  # kChannelDamping
BITS_OF_DIRECTIONS, BITS_OF_SCALE = 6, 16

Array = np.ndarray


def moments_of_package_text() -> Path:
    """The moments with the sensitivities of the table's channels."""
    file = OUT / "bound-moments.safetensors"
    file.unlink(missing_ok=True)
    with compressed(minilm_folder(), "--bits", "1", "--text", "package", "--save-moments", str(file), expand=False):
        pass
    return file


def weights_of_rows() -> Array:
    """The weights of a run without a text; the sensitivities of the package's text leave them as they are."""
    with compressed(minilm_folder(), "--bits", "1", "--text", "none", expand=False) as result:
        return np.array(study_tensor(str(result.folder), str(minilm_folder()), TENSOR).row_weights)


def root_of_metric(moments: Path) -> Array:
    with safe_open(moments, "numpy") as file:
        name = next(key for key in file.keys() if key.startswith("second."))  # noqa: SIM118 - not a mapping
        sensitivity = file.get_tensor(name).astype(np.float64)
    values, vectors = np.linalg.eigh(sensitivity)
    values = np.maximum(values, 0) + DAMPING * values.mean()
    return (vectors * np.sqrt(values / values.mean())) @ vectors.T


def bound(table: Array, weights: Array, bits: float) -> float:
    """The least relative squared error of Gaussian entries in so many bits an entry."""
    rows, cols = table.shape
    channels = np.linalg.eigvalsh((table * weights[:, None]).T @ table)
    energies = weights * np.einsum("ij,ij->i", table, table)
    shares = np.log2(energies / energies.sum())[:, None] + np.log2(channels / channels.sum())
    left = bits - BITS_OF_DIRECTIONS * cols / rows - BITS_OF_SCALE / cols
    low, high = shares.min() - 2 * bits, shares.max()
    for _ in range(60):
        level = (low + high) / 2
        low, high = (level, high) if np.maximum(shares - level, 0).mean() / 2 > left else (low, level)
    return float(np.exp2(np.minimum(shares, high)).sum())


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    table, weights = minilm_table().astype(np.float64), weights_of_rows()
    moments = moments_of_package_text()
    metrics = [
        ("none", table, ["--text", "none"], "weighted_relative_error"),
        ("package", table @ root_of_metric(moments), ["--moments", str(moments)], "output_error"),
    ]
    rows = []
    for name, seen, options, field in metrics:
        for bits, codes in product(BITS, CODES):
            least = bound(seen, weights, float(bits))
            with compressed(minilm_folder(), "--bits", bits, "--codes", codes, *options, expand=False) as result:
                error = result.table[field]
                ratios = [f"{error**2 / least:.2f}", f"{result.table['predicted_error'] / error:.3f}"]
            rows.append([name, bits, codes, f"{error**2:.4f}", f"{least:.4f}", *ratios])
            print(*rows[-1], file=sys.stderr, flush=True)
    header = ["metric", "bits", "codes", "error", "bound", "ratio", "predicted"]
    publish("bound", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
