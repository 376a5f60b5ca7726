# SPDX-License-Identifier: Apache-2.0
"""Time and error of low-rank factors by NumPy, scikit-learn and loewner, in one process on the same number of threads.

Tables: the token embedding of all-MiniLM-L6-v2 (30522 x 384), and a synthetic one twice as wide with a similar
spectrum. The methods take turns, so that a slow phase of the machine affects all of them; the median of their times is
reported with the relative Frobenius error of the factors. Run it on an idle machine; about three minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import loewner
import numpy as np
from matrices import minilm_table, rank_at, widened
from results_page import experiment_parser, markdown_table, publish
from sklearn.utils.extmath import randomized_svd
from timing import in_turns, limited_threads

Factors = tuple[np.ndarray, np.ndarray]


def numpy_svd(a: np.ndarray, rank: int) -> Factors:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return u[:, :rank] * s[:rank], vt[:rank]


def sklearn_svd(a: np.ndarray, rank: int) -> Factors:
    u, s, vt = randomized_svd(a, rank, random_state=0)
    return u * s, vt


def loewner_svd(a: np.ndarray, rank: int) -> Factors:
    vt = loewner.linalg.truncated_svd(a, rank).vt
    return loewner.linalg.project_rows(a, vt), vt


def loewner_lp(a: np.ndarray, rank: int, **options: float) -> Factors:
    vt = loewner.lowrank.lp_factorization(a, norm_exponent=1, **options).vt[:rank]
    return loewner.linalg.project_rows(a, vt), vt


METHODS: dict[str, Callable[[np.ndarray, int], Factors]] = {
    "numpy.linalg.svd": numpy_svd,
    "sklearn randomized_svd": sklearn_svd,
    "loewner truncated_svd": loewner_svd,
    "loewner lp p=1": loewner_lp,
    "loewner lp p=1, 5 Lewis steps": partial(loewner_lp, max_iterations=5, tolerance=0),
}


def relative_error(a: np.ndarray, factors: Factors) -> float:
    left, right = factors
    return float(np.linalg.norm(a - left @ right.astype(np.float32)) / np.linalg.norm(a))


def table_rows(kind: str, a: np.ndarray, rounds: int) -> list[list[str]]:
    rank = rank_at(0.72, a.shape)
    results = in_turns({name: partial(method, a, rank) for name, method in METHODS.items()}, rounds)
    reference, randomized = results["numpy.linalg.svd"].seconds, results["sklearn randomized_svd"].seconds
    size = f"{kind}, {a.shape[0]} x {a.shape[1]}, k = {rank}"
    return [
        [
            size,
            name,
            f"{result.seconds:.3f}",
            f"{result.seconds / reference:.3f}",
            f"{result.seconds / randomized:.3f}",
            f"{relative_error(a, result.result):.6f}",
        ]
        for name, result in results.items()
    ]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measured runs of each method (default 5)")
    arguments = parser.parse_args()
    table = minilm_table()
    with limited_threads():
        rows = table_rows("MiniLM", table, arguments.rounds)
        rows += table_rows("made-up", widened(table, 768), arguments.rounds)
    header = ["table", "method", "seconds", "of numpy", "of randomized_svd", "relative error"]
    publish("speed", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
