# SPDX-License-Identifier: Apache-2.0
"""Chooses the rank of an embedding table from its error curves.

    python examples/choose_rank.py [MODEL.safetensors TENSOR] [--max-error 0.2]

One factorisation serves all ranks: the squared error of the truncated SVD is the tail of the squared singular values.
The curve is printed for the table as it is, and with its rows weighted by how often tokens are expected to occur.
Without a file: a made-up table.
"""

import argparse

import loewner
import numpy as np


def made_up_table() -> np.ndarray:
    random = np.random.default_rng(1)
    return (random.standard_normal((5000, 96)) * 0.96 ** np.arange(96)).astype(np.float32)


def error_curve(a: np.ndarray, row_weights: np.ndarray) -> np.ndarray:
    """Relative weighted error of the truncated SVD for the ranks 0, 1, ..., min(n, d)."""
    values = loewner.linalg.truncated_svd(a, 1, row_weights=row_weights).singular_values
    tails = np.append(np.cumsum(values[::-1] ** 2)[::-1], 0)
    return np.sqrt(tails / tails[0])


def bar(error: float, width: int = 40) -> str:
    return "#" * round(width * error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="a safetensors file")
    parser.add_argument("tensor", nargs="?", help="name of a matrix in it")
    parser.add_argument("--max-error", type=float, default=0.2, help="relative error to stay below (default 0.2)")
    arguments = parser.parse_args()
    if arguments.file is None:
        a = made_up_table()
    elif arguments.tensor is None:
        parser.error("TENSOR is required with a file")
    else:
        from safetensors.numpy import load_file

        a = load_file(arguments.file)[arguments.tensor].astype(np.float32)

    rows, cols = a.shape
    weights = {"all rows alike": np.ones(rows), "frequent rows first": 1 / (np.arange(rows) + 10)}
    for name, row_weights in weights.items():
        curve = error_curve(a, row_weights)
        print(f"\n{name}\n{'rank':>6}{'bytes kept':>12}{'error':>8}")
        for rank in np.linspace(0, len(curve) - 1, 13).astype(int):
            print(f"{rank:6}{rank * (rows + cols) / (rows * cols):12.2f}{curve[rank]:8.4f} {bar(curve[rank])}")
        rank = int(np.argmax(curve <= arguments.max_error))
        kept = rank * (rows + cols) / (rows * cols)
        advice = "" if kept < 1 else ": more than the table itself, so keep it dense"
        print(f"error at most {arguments.max_error:g} from rank {rank} on, {kept:.2f} of the bytes{advice}")


if __name__ == "__main__":
    main()
