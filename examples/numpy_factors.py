# SPDX-License-Identifier: Apache-2.0
"""Computes low-rank factors of a NumPy matrix with outlier rows by the truncated SVD and by l_p factorizations. It
prints the proved bounds on the l_p errors, and shows that the l_p factors approximate the ordinary rows better.

    python examples/numpy_factors.py

Takes a few seconds.
"""

import loewner
import numpy as np

ROWS, COLS, RANK = 4000, 64, 8


def low_rank_with_outlier_rows() -> np.ndarray:
    """A matrix of rank 8 plus small noise; one row in a hundred is an outlier, pure noise of size 100."""
    random = np.random.default_rng(1)
    signal = random.standard_normal((ROWS, RANK)) @ random.standard_normal((RANK, COLS))
    noise = np.where(np.arange(ROWS) % 100 == 0, 100.0, 0.1)
    return (signal + noise[:, None] * random.standard_normal((ROWS, COLS))).astype(np.float32)


def main() -> None:
    a = low_rank_with_outlier_rows()

    vt = loewner.linalg.truncated_svd(a, RANK).vt
    approximations = {"truncated SVD": loewner.linalg.project_rows(a, vt) @ vt.astype(np.float32)}
    for p in (1.0, 1.5):
        factors = loewner.lowrank.lp_low_rank(a, RANK, norm_exponent=p)
        approximations[f"l_p factors, p = {p:g}"] = factors.left @ factors.right
        bounds = f"{factors.lower_bound:.5g} <= error {factors.error:.5g} <= {factors.upper_bound:.5g}"
        print(f"p = {p:g}: {bounds}; distortion at most {factors.distortion:.2f}")

    ordinary = np.arange(ROWS) % 100 != 0
    print("\nrelative error on the ordinary rows:")
    for name, b in approximations.items():
        error = np.linalg.norm((a - b)[ordinary]) / np.linalg.norm(a[ordinary])
        print(f"  {name:22} {error:.4f}")


if __name__ == "__main__":
    main()
