# SPDX-License-Identifier: Apache-2.0
"""Random embeddings, and quantities estimated from a sketch of a matrix."""

from loewner._core.sketch import (
    BilinearSketch,
    LeastSquares,
    LessEmbedding,
    LeverageMethod,
    LeverageScores,
    ProbedNorm,
    ResidualCurve,
    SparseSignEmbedding,
    VectorResidualSketch,
    estimate_residuals,
    least_squares,
    leverage_scores,
    probe_residual,
    sketched_svd,
)

__all__ = [
    "BilinearSketch",
    "LeastSquares",
    "LessEmbedding",
    "LeverageMethod",
    "LeverageScores",
    "ProbedNorm",
    "ResidualCurve",
    "SparseSignEmbedding",
    "VectorResidualSketch",
    "estimate_residuals",
    "least_squares",
    "leverage_scores",
    "probe_residual",
    "sketched_svd",
]
