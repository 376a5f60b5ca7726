# SPDX-License-Identifier: Apache-2.0
"""Chooses the rank of an embedding table from its error curves. It prints the relative error of the truncated SVD for
every rank, with equal row weights and with weights that follow the expected token frequencies.

    python examples/choose_rank.py [MODEL.safetensors TENSOR] [--max-error 0.2]

One SVD serves all ranks, since the squared error of rank k is the sum of the squared singular values after the k-th.
Without a file the program uses a synthetic table.
"""

import argparse

import loewner
import numpy as np


def synthetic_table() -> np.ndarray:
    random = np.random.default_rng(1)
    return (random.standard_normal((5000, 96)) * 0.96 ** np.arange(96)).astype(np.float32)


def error_curve(a: np.ndarray, row_weights: np.ndarray) -> np.ndarray:
    """Relative weighted Frobenius error of the truncated SVD for the ranks 0, 1, ..., min(n, d)."""
    values = loewner.linalg.truncated_svd(a, 1, row_weights=row_weights).singular_values
    tails = np.append(np.cumsum(values[::-1] ** 2)[::-1], 0)
    return np.sqrt(tails / tails[0])


def bar(error: float, width: int = 40) -> str:
    return "#" * round(width * error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="a safetensors file")
    parser.add_argument("tensor", nargs="?", help="name of a matrix in the file")
    parser.add_argument("--max-error", type=float, default=0.2, help="largest relative error (default 0.2)")
    arguments = parser.parse_args()
    if arguments.file is None:
        a = synthetic_table()
    elif arguments.tensor is None:
        parser.error("TENSOR is required if a file is given")
    else:
        from safetensors.numpy import load_file

        a = load_file(arguments.file)[arguments.tensor].astype(np.float32)

    rows, cols = a.shape

    def share_of(rank: int) -> float:
        """Size of the factors relative to the table."""
        return rank * (rows + cols) / (rows * cols)

    weights = {"equal row weights": np.ones(rows), "row weights 1 / (row + 10)": 1 / (np.arange(rows) + 10)}
    for name, row_weights in weights.items():
        curve = error_curve(a, row_weights)
        print(f"\n{name}\n{'rank':>6}{'share':>8}{'error':>8}")
        for rank in np.linspace(0, len(curve) - 1, 13).astype(int):
            print(f"{rank:6}{share_of(rank):8.2f}{curve[rank]:8.4f} {bar(curve[rank])}")
        rank = int(np.argmax(curve <= arguments.max_error))
        advice = "" if share_of(rank) < 1 else "; the factors are larger than the table, so keep it dense"
        print(f"smallest rank with error <= {arguments.max_error:g}: {rank}, {share_of(rank):.2f} of the bytes{advice}")


if __name__ == "__main__":
    main()
