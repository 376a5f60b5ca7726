# SPDX-License-Identifier: Apache-2.0
"""Number of matrix-vector products that a low-rank approximation needs, against the tolerance eps.

Table and plot: the least products with which a method comes within 1 + eps of the best Schatten-p error of rank 1, for
the hardest of several spectra made for each eps: 1, then t values from slightly below 1 down to 1/2, denser above, then
zeros. With this gap the error of a method that misses the first direction is 1 + 2 eps times the best. Exponents are
fitted over all eps. A quarter of an hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import loewner
import numpy as np
import scipy.sparse
from matplotlib import pyplot
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish

SIZE, SMALL_BLOCK = 4000, 3  # for rank k = 1 the small block of schatten_plan has k + 2 vectors
CLOSE = (4, 16, 64, 256)  # numbers of singular values close to the first
ERRORS = {2.0: np.geomspace(1e-2, 1e-5, 7), 1.0: np.geomspace(1e-2, 1e-5, 7), math.inf: np.geomspace(1e-1, 1e-3, 7)}
HARDNESS = 2  # excess error of a method that misses the first direction, in units of eps
MOST = 20_000  # products after which the search stops


@dataclass(frozen=True)
class Problem:
    spectrum: np.ndarray  # the nonzero singular values
    p: float
    eps: float

    @staticmethod
    def hard(close: int, p: float, eps: float) -> Problem:
        values = 1 - np.linspace(0, 1, close) ** 2 / 2
        mass = 1 if math.isinf(p) else (values**p).sum()
        return Problem(np.r_[1, (1 - min(0.5, HARDNESS * eps * mass)) * values], p, eps)

    def diagonal(self) -> np.ndarray:
        return np.r_[self.spectrum, np.zeros(SIZE - len(self.spectrum))]

    def matrix(self) -> scipy.sparse.csr_array:
        """Diagonal: for random starting blocks as general as any other matrix with this spectrum."""
        return scipy.sparse.csr_array(scipy.sparse.diags_array(self.diagonal()))

    def is_solved(self, vt: np.ndarray) -> bool:
        """True if A - A V V^T is within 1 + eps of the best error. Its nonzero rows are those of A, so a small Gram
        matrix has all of its singular values."""
        v = vt[:, : len(self.spectrum)].T
        gram = self.spectrum[:, None] * (np.eye(len(v)) - v @ v.T) * self.spectrum
        values, best = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0)), self.spectrum[1:]
        return bool(np.linalg.norm(values, self.p) <= (1 + self.eps) * np.linalg.norm(best, self.p))


Solve = Callable[[Problem, int, int], np.ndarray]  # problem, steps, seed -> V^T


def krylov(problem: Problem, steps: int, seed: int) -> np.ndarray:
    return loewner.linalg.block_krylov(problem.matrix(), 1, block=SMALL_BLOCK, steps=steps, seed=seed).vt


def subspace_iteration(problem: Problem, steps: int, seed: int) -> np.ndarray:
    diagonal = problem.diagonal()[:, None]
    v = np.random.default_rng(seed).standard_normal((SIZE, SMALL_BLOCK))
    for step in range(steps):
        v = diagonal**2 * v
        if step % 8 == 7 or step == steps - 1:
            v, _ = np.linalg.qr(v)
    return np.linalg.svd(diagonal * v, full_matrices=False)[2][:1] @ v.T


def least_steps(is_enough: Callable[[int], bool], most: int) -> float:
    """The smallest sufficient number of steps by bisection; infinity if it exceeds `most`."""
    high = 1
    while not is_enough(high):
        high *= 2
        if high > most:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def products_of_steps(solve: Solve, problem: Problem, seed: int) -> float:
    steps = least_steps(lambda steps: problem.is_solved(solve(problem, steps, seed)), MOST // (2 * SMALL_BLOCK))
    return SMALL_BLOCK * (2 * steps + 1)


def products_of_two_sizes(problem: Problem, seed: int) -> float:
    """Products of schatten_low_rank with the smallest sufficient constant."""
    for constant in 0.01 * 1.15 ** np.arange(40):
        options = dict(norm_exponent=problem.p, eps=problem.eps, constant=constant)
        if problem.is_solved(loewner.linalg.schatten_low_rank(problem.matrix(), 1, seed=seed, **options).vt):
            return loewner.linalg.schatten_plan(SIZE, 1, **options).products
    return math.inf


def planned_products(problem: Problem, seed: int) -> float:
    """Products of schatten_low_rank with the default constant; infinity if it misses the error bound."""
    options = dict(norm_exponent=problem.p, eps=problem.eps)
    is_solved = problem.is_solved(loewner.linalg.schatten_low_rank(problem.matrix(), 1, seed=seed, **options).vt)
    return loewner.linalg.schatten_plan(SIZE, 1, **options).products if is_solved else math.inf


COUNTS: dict[str, Callable[[Problem, int], float]] = {
    "two block sizes, least constant": products_of_two_sizes,
    "two block sizes, as planned": planned_products,
    "block Krylov, blocks of 3": partial(products_of_steps, krylov),
    "subspace iteration, 3 vectors": partial(products_of_steps, subspace_iteration),
}
BOUNDS = {"two": ("-1/3", "-1/3", "-1/2"), "block": ("-1/2", "-1/2", "-1/2"), "subspace": ("-1", "-1", "-1")}


def needed(count: Callable[[Problem, int], float], p: float, seeds: int) -> np.ndarray:
    """Products for each eps: the maximum over the spectra of the median over the seeds."""
    return np.array(
        [
            max(np.median([count(Problem.hard(t, p, eps), seed) for seed in range(seeds)]) for t in CLOSE)
            for eps in ERRORS[p]
        ]
    )


def exponent_rows(curves: dict[tuple[str, float], np.ndarray]) -> list[list[str]]:
    rows = []
    for name in COUNTS:
        row = [name]
        for p, bound in zip(ERRORS, BOUNDS[name.split()[0]], strict=True):
            counts = curves[name, p]
            slope = np.polyfit(np.log(ERRORS[p]), np.log(counts), 1)[0] if np.isfinite(counts).all() else math.nan
            row += [f"{slope:.2f} ({bound})", f"{counts[0]:.0f} ... {counts[-1]:.0f}"]
        rows.append(row)
    return rows


def plot(curves: dict[tuple[str, float], np.ndarray]) -> None:
    figure, axes = pyplot.subplots(1, len(ERRORS), figsize=(12, 4.2), sharey=True)
    for axis, p in zip(axes, ERRORS, strict=True):
        for name in COUNTS:
            axis.loglog(1 / ERRORS[p], curves[name, p], marker="o", markersize=3, label=name)
        axis.set(xlabel="1 / eps", title=f"p = {'infinity' if math.isinf(p) else int(p)}")
        axis.grid(True, alpha=0.3, which="both")
    axes[0].set_ylabel("products with a vector")
    axes[0].legend(fontsize=8)
    save_plot(figure, "krylov")


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds per spectrum (default 3)")
    arguments = parser.parse_args()
    loewner.set_num_threads(1)  # the problems are small
    curves = {(name, p): needed(COUNTS[name], p, arguments.seeds) for name in COUNTS for p in ERRORS}
    header = ["method"]
    for p in ERRORS:
        header += [f"exponent, p = {p:g}", "products"]
    publish("krylov-exponents", markdown_table(header, exponent_rows(curves)), arguments.update_docs)
    if arguments.update_docs:
        plot(curves)


if __name__ == "__main__":
    main()
