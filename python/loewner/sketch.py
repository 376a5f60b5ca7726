# SPDX-License-Identifier: Apache-2.0
"""Random embeddings, and what a sketch of a matrix is enough for.

`SparseSignEmbedding` and `LessEmbedding` are random matrices that nearly preserve lengths. `least_squares`,
`leverage_scores` and `sketched_svd` use them to read a tall matrix a few times only. `estimate_residuals`,
`probe_residual` and the sketches of streams estimate errors without the factors.
"""

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
