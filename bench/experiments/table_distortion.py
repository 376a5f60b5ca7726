# SPDX-License-Identifier: Apache-2.0
"""Distortion between ||A x||_1 and an ellipsoid norm ||F x||_2, by Lewis weights and by the ellipsoid method.

Four kinds of 1000 x 50 data. distortion: max / min of ||A x||_1 / ||F x||_2 found by a local search, a lower bound of
the true distortion. certificate: the proved upper bound. Both methods guarantee sqrt(50) = 7.07. About one minute.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import loewner
import numpy as np
from results_page import experiment_parser, markdown_table, publish
from timing import timed

ROWS, COLS, RANK = 1000, 50, 10
HEADER = ["data", "method", "seconds", "iterations", "distortion", "certificate"]


def low_rank_plus_noise(random: np.random.Generator) -> np.ndarray:
    signal = random.standard_normal((ROWS, RANK)) @ random.standard_normal((RANK, COLS)) / np.sqrt(RANK)
    return signal + 0.1 * random.standard_normal((ROWS, COLS))


def with_entry_outliers(random: np.random.Generator) -> np.ndarray:
    outliers = random.random((ROWS, COLS)) < 0.05
    return low_rank_plus_noise(random) + 10 * outliers * random.standard_normal((ROWS, COLS))


def with_row_outliers(random: np.random.Generator) -> np.ndarray:
    outliers = random.random((ROWS, 1)) < 0.02
    return np.where(outliers, 20 * random.standard_normal((ROWS, COLS)), low_rank_plus_noise(random))


DATA: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "Gaussian": lambda random: random.standard_normal((ROWS, COLS)),
    "rank 10 + noise + 5 % entry outliers": with_entry_outliers,
    "rank 10 + noise + 2 % outlier rows": with_row_outliers,
    "decaying spectrum, Student t3": lambda random: random.standard_t(3, (ROWS, COLS)) * 0.95 ** np.arange(COLS),
}


def searched_distortion(a: np.ndarray, gram: np.ndarray, random: np.random.Generator, starts: int = 10) -> float:
    """max / min of ||A x||_1 / sqrt(x^T gram x) over local searches from random directions and from single rows."""
    u = np.linalg.solve(np.linalg.cholesky(gram), a.T).T  # in these coordinates the ellipsoid is the unit ball
    directions = np.concatenate([random.standard_normal((starts, COLS)), random.choice(u, starts)])
    largest = max(ascend(u, z) for z in directions)
    smallest = min(descend(u, z) for z in directions)
    return largest / smallest


def ascend(u: np.ndarray, z: np.ndarray, steps: int = 40) -> float:
    """||U z||_1 is convex, so moving to the unit vector along its gradient never decreases it."""
    for _ in range(steps):
        z = u.T @ np.sign(u @ z)
        z /= np.linalg.norm(z)
    return float(np.abs(u @ z).sum())


def descend(u: np.ndarray, z: np.ndarray, steps: int = 40) -> float:
    """The smallest value during inverse iteration with the reweighted Gram matrix; minima are its eigenvectors."""
    smallest = np.inf
    for _ in range(steps):
        z = z / np.linalg.norm(z)
        y = np.abs(u @ z)
        smallest = min(smallest, float(y.sum()))
        weights = 1 / np.sqrt(y**2 + (1e-2 * y.mean()) ** 2)
        z = np.linalg.solve(u.T @ (weights[:, None] * u), z)
    return smallest


def by_lewis_weights(a: np.ndarray, **options: float) -> tuple[int, np.ndarray, float]:
    result = loewner.norms.lewis_weights(a, norm_exponent=1, **options)
    return result.iterations, result.q, result.certificate


def by_ellipsoid_method(a: np.ndarray) -> tuple[int, np.ndarray, float]:
    result = loewner.norms.loewner_ellipsoid(a, norm_exponent=1)
    return result.report.iterations, result.factor.T @ result.factor, result.distortion


METHODS = {
    "Lewis weights": by_lewis_weights,
    "Lewis weights to 1e-10": lambda a: by_lewis_weights(a, max_iterations=100, tolerance=1e-10),
    "ellipsoid method": by_ellipsoid_method,
}


def rows() -> list[list[str]]:
    table = []
    for number, (kind, generate) in enumerate(DATA.items()):
        a = generate(np.random.default_rng(number)).astype(np.float32)
        for method, solve in METHODS.items():
            run = timed(partial(solve, a))
            iterations, gram, certificate = run.result
            found = searched_distortion(a.astype(np.float64), gram, np.random.default_rng(100))
            table.append([kind, method, f"{run.seconds:.3f}", iterations, f"{found:.2f}", f"{certificate:.2f}"])
    return table


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    loewner.norms.lewis_weights(np.eye(4, dtype=np.float32))  # starts the threads
    publish("distortion", markdown_table(HEADER, rows()), arguments.update_docs)


if __name__ == "__main__":
    main()
