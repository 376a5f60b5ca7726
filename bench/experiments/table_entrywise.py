# SPDX-License-Identifier: Apache-2.0
"""Entrywise l_1 error of rank-273 approximations of the table of all-MiniLM-L6-v2, compared with the truncated SVD.

Errors are relative to the table, in the l_1 and in the Frobenius norm. of svd: the l_1 error divided by that of the SVD
of the same rank. About a minute on two cores, mostly for entrywise_low_rank.
"""

from __future__ import annotations

from functools import partial

import loewner
import numpy as np
from matrices import minilm_table, rank_at
from results_page import experiment_parser, markdown_table, publish
from timing import timed

HEADER = ["method", "seconds", "l_1 error", "of svd", "Frobenius error"]


def svd(a: np.ndarray, rank: int) -> np.ndarray:
    vt = loewner.linalg.truncated_svd(a, rank).vt
    return loewner.linalg.project_rows(a, vt) @ vt.astype(np.float32)


def lp(a: np.ndarray, rank: int) -> np.ndarray:
    factors = loewner.lowrank.lp_low_rank(a, rank, norm_exponent=1)
    return factors.left @ factors.right


def entrywise(a: np.ndarray, rank: int) -> np.ndarray:
    factors = loewner.lowrank.entrywise_low_rank(a, rank, norm_exponent=1)
    return factors.left @ factors.right


METHODS = {"truncated_svd": svd, "lp_low_rank p=1": lp, "entrywise_low_rank p=1": entrywise}


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    a = minilm_table()
    rows, svd_error = [], None
    for name, approximate in METHODS.items():
        run = timed(partial(approximate, a, rank_at(0.72, a.shape)))
        errors = loewner.norms.approximation_errors(a, run.result, norm_exponent=1)
        error = errors.relative_lp_error
        svd_error = svd_error or error
        rows.append(
            [name, f"{run.seconds:.1f}", f"{error:.4f}", f"{error / svd_error:.3f}", f"{errors.relative_error:.4f}"]
        )
    publish("entrywise", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
