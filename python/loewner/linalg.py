# SPDX-License-Identifier: Apache-2.0
"""Truncated SVD, block Krylov methods and sparse matrices."""

from loewner._core.linalg import (
    KrylovSvd,
    RightSingularVectors,
    SchattenPlan,
    SparseRows,
    SvdRoute,
    block_krylov,
    project_rows,
    schatten_low_rank,
    schatten_plan,
    truncated_svd,
)

__all__ = [
    "KrylovSvd",
    "RightSingularVectors",
    "SchattenPlan",
    "SparseRows",
    "SvdRoute",
    "block_krylov",
    "project_rows",
    "schatten_low_rank",
    "schatten_plan",
    "truncated_svd",
]
