# SPDX-License-Identifier: Apache-2.0
"""Low-rank approximation in l_p norms and in robust losses.

For outlying rows `lp_low_rank` is fast and bounds its error, and `robust_subspace` takes any robust loss. For outlying
entries `entrywise_low_rank` has the smallest error and the highest cost.
"""

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
