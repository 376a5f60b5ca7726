# SPDX-License-Identifier: Apache-2.0
"""Truncated SVD, block Krylov methods and sparse matrices.

`truncated_svd` is for dense matrices. `block_krylov` needs only products with the matrix, so that it suits sparse
matrices, operators, and few vectors of a large matrix. `schatten_low_rank` does the same in a number of products that
`schatten_plan` computes beforehand.
"""

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
