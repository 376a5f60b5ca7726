# SPDX-License-Identifier: Apache-2.0
"""Low-rank approximation in l_p norms and in robust losses."""

from loewner._core.lowrank import (
    EntrywiseLowRank,
    EntrywiseStart,
    EntrywiseStartObjective,
    LpFactorization,
    LpLowRank,
    LpRowProjection,
    RobustSubspace,
    RowProjection,
    distances_to_subspace,
    entrywise_low_rank,
    lp_factorization,
    lp_low_rank,
    lp_row_projection,
    robust_subspace,
)

__all__ = [
    "EntrywiseLowRank",
    "EntrywiseStart",
    "EntrywiseStartObjective",
    "LpFactorization",
    "LpLowRank",
    "LpRowProjection",
    "RobustSubspace",
    "RowProjection",
    "distances_to_subspace",
    "entrywise_low_rank",
    "lp_factorization",
    "lp_low_rank",
    "lp_row_projection",
    "robust_subspace",
]
