# SPDX-License-Identifier: Apache-2.0
"""Time of sketches and of sketched least squares, in one process on the same number of threads.

First table: S A for the token embedding of all-MiniLM-L6-v2 (30522 x 384), for the same with 384 heavy unit rows on
top, and for a sparse matrix (10^6 x 256, 1 % nonzeros). Methods: loewner with m = 4 d; scipy's
clarkson_woodruff_transform with the least m on a grid whose distortion on the column space of A is no larger; a
Gaussian matrix with m = 4 d. distortion: the largest distance of a singular value from 1, median over seeds. Second
table: min ||A x - b|| for 10^6 x 200 with condition number 10^6, compared with numpy.linalg.lstsq. The methods take
turns; medians. Run it on an idle machine: about five minutes, 8 GB of memory. --shrink 10 takes a tenth of the
synthetic rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import loewner
import numpy as np
import scipy.linalg
import scipy.sparse
from matrices import minilm_table
from results_page import experiment_parser, markdown_table, publish
from timing import in_turns, limited_threads

SEEDS = 5
GROWTH = 1.1  # ratio of consecutive m on the grid
HEAVY = 1e3
CONDITION = 1e6
BLOCK = 20_000  # columns of the Gaussian matrix drawn at a time

Sketch = Callable[[int], np.ndarray]  # seed -> S A


# ---- sketches ----


def loewner_sketch(a: np.ndarray | scipy.sparse.csr_matrix, m: int, seed: int) -> np.ndarray:
    s = loewner.sketch.SparseSignEmbedding(m, a.shape[0], nonzeros=8 if m < 4 * a.shape[1] else 4, seed=seed)
    if scipy.sparse.issparse(a):
        return s.apply(loewner.linalg.SparseRows(a.shape[1], a.indptr.astype(np.int64), a.indices, a.data))
    return s.apply(a)


def scipy_sketch(a: np.ndarray | scipy.sparse.csr_matrix, m: int, seed: int) -> np.ndarray:
    product = scipy.linalg.clarkson_woodruff_transform(a, m, rng=seed)
    return product.toarray() if scipy.sparse.issparse(product) else product


def gaussian_blocks(rows: int, m: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """The columns of a Gaussian S as rows, BLOCK at a time."""
    random = np.random.default_rng(seed)
    for first in range(0, rows, BLOCK):
        count = min(BLOCK, rows - first)
        yield slice(first, first + count), random.standard_normal((count, m), np.float32) / np.float32(m**0.5)


def gaussian_sketch(a: np.ndarray | scipy.sparse.csr_matrix, m: int, seed: int) -> np.ndarray:
    return sum((a[rows].T @ block for rows, block in gaussian_blocks(a.shape[0], m, seed)), np.float32(0)).T


def drawn_gaussian(rows: int, m: int, seed: int) -> np.ndarray:
    s = np.empty((rows, m), np.float32)
    for chosen, block in gaussian_blocks(rows, m, seed):
        s[chosen] = block
    return s


def distortion(triangle: np.ndarray, sketch: np.ndarray) -> float:
    """Distortion of lengths in the column space of A, whose R factor is `triangle`."""
    on_basis = scipy.linalg.solve_triangular(triangle, sketch.astype(np.float64).T, trans="T").T
    return float(np.abs(np.linalg.svd(on_basis, compute_uv=False) - 1).max())


def median_distortion(triangle: np.ndarray, sketch: Sketch) -> float:
    return float(np.median([distortion(triangle, sketch(seed)) for seed in range(SEEDS)]))


def least_rows(a: np.ndarray, triangle: np.ndarray, allowed: float, largest: int) -> tuple[int, float]:
    """The least m of scipy's sketch on the grid 4 d, 4.4 d, ... with a median distortion of at most `allowed`, or
    `largest`; and that distortion."""
    m = 4 * a.shape[1]
    while True:
        m = min(m, largest)
        found = median_distortion(triangle, partial(scipy_sketch, a, m))
        if found <= allowed or m == largest:
            return m, found
        m = int(GROWTH * m)


def sketch_rows(kind: str, a: np.ndarray | scipy.sparse.csr_matrix, rounds: int) -> list[list[str]]:
    n, d = a.shape
    m = 4 * d
    wide = a.astype(np.float64)
    gram = wide.T @ wide
    triangle = scipy.linalg.cholesky(gram.toarray() if scipy.sparse.issparse(gram) else gram)
    ours = median_distortion(triangle, partial(loewner_sketch, a, m))
    peers_rows, peers = least_rows(a, triangle, ours, n // 2)
    gaussian = drawn_gaussian(n, m, seed=0)
    methods = {
        "loewner SparseSignEmbedding": (m, ours, partial(loewner_sketch, a, m, 0)),
        "scipy clarkson_woodruff_transform": (peers_rows, peers, partial(scipy_sketch, a, peers_rows, 0)),
        "Gaussian, the product alone": (m, None, lambda: (a.T @ gaussian).T),
        "Gaussian, drawn too": (m, None, partial(gaussian_sketch, a, m, 0)),
    }
    results = in_turns({name: method for name, (_, _, method) in methods.items()}, rounds)
    reference = results["Gaussian, the product alone"].seconds
    scipys = results["scipy clarkson_woodruff_transform"].seconds
    return [
        [
            f"{kind}, {n} x {d}",
            name,
            rows,
            f"{distortion(triangle, results[name].result) if known is None else known:.3f}",
            f"{results[name].seconds:.4f}",
            f"{results[name].seconds / scipys:.2f}",
            f"{results[name].seconds / reference:.3f}",
        ]
        for name, (rows, known, _) in methods.items()
    ]


def sparse_matrix(rows: int, cols: int, share: float) -> scipy.sparse.csr_matrix:
    matrix = scipy.sparse.random(rows, cols, share, format="csr", dtype=np.float32, random_state=1)
    matrix.data = np.random.default_rng(1).standard_normal(matrix.nnz).astype(np.float32)
    return matrix


# ---- least squares ----


def least_squares_problem(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """A Gaussian A with singular values scaled to the condition number, and b = A 1 + noise of the same norm."""
    random = np.random.default_rng(2)
    a = random.standard_normal((rows, cols))
    turn, _ = np.linalg.qr(random.standard_normal((cols, cols)))
    shape = (turn * np.geomspace(1, 1 / CONDITION, cols)) @ turn.T
    for first in range(0, rows, BLOCK):
        a[first : first + BLOCK] = a[first : first + BLOCK] @ shape
    b = a.sum(axis=1)
    return a, b + np.linalg.norm(b) / rows**0.5 * random.standard_normal(rows)


def by_normal_equations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return scipy.linalg.solve(a.T @ a, a.T @ b, assume_a="pos")


def least_squares_rows(a: np.ndarray, b: np.ndarray, rounds: int) -> list[list[str]]:
    results = in_turns(
        {
            "numpy.linalg.lstsq": lambda: np.linalg.lstsq(a, b, rcond=None)[0],
            "normal equations, Cholesky": lambda: by_normal_equations(a, b),
            "loewner least_squares": lambda: loewner.sketch.least_squares(a, b[:, None]).x[:, 0],
        },
        rounds,
    )
    reference = results["numpy.linalg.lstsq"]
    least = np.linalg.norm(b - a @ reference.result)
    rows = []
    for name, timed in results.items():
        residual = b - a @ timed.result
        norm = np.linalg.norm(residual)
        gradient = np.linalg.norm(a.T @ residual) / (np.linalg.norm(a) * norm)
        away = np.linalg.norm(timed.result - reference.result) / np.linalg.norm(reference.result)
        rows.append(
            [
                name,
                f"{timed.seconds:.3f}",
                f"{timed.seconds / reference.seconds:.3f}",
                f"{norm / least - 1:.1e}",
                f"{gradient:.1e}",
                f"{away:.1e}",
            ]
        )
    return rows


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured runs of each method (default 5)")
    parser.add_argument("--shrink", type=int, default=1, help="divisor of the rows of synthetic matrices (default 1)")
    arguments = parser.parse_args()
    many = 1_000_000 // arguments.shrink
    table = minilm_table()
    heavy = table.copy()
    heavy[: table.shape[1]] = HEAVY * np.eye(table.shape[1], dtype=np.float32)
    with limited_threads():
        rows = sketch_rows("MiniLM", table, arguments.rounds)
        rows += sketch_rows("MiniLM and heavy rows", heavy, arguments.rounds)
        rows += sketch_rows("sparse, 1 %", sparse_matrix(many, 256, 0.01), arguments.rounds)
        header = ["matrix", "method", "m", "distortion", "seconds", "of scipy", "of Gaussian product"]
        publish("embedding-speed", markdown_table(header, rows), arguments.update_docs)
        rows = least_squares_rows(*least_squares_problem(many, 200), arguments.rounds)
    header = ["method", "seconds", "of numpy", "residual / numpy's - 1", "||A^T r|| / (||A|| ||r||)", "x from numpy's"]
    publish("least-squares", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
