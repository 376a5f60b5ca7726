# SPDX-License-Identifier: Apache-2.0
"""Lewis weights, ellipsoids, robust losses and errors in l_p norms.

`lewis_weights` and `loewner_ellipsoid` find an ellipsoid norm close to the norm ||A x||_p. `Loss` is a robust loss of
distances. `approximation_errors` measures an approximation.
"""

from loewner._core.norms import (
    ApproximationErrors,
    EnclosingEllipsoid,
    LewisWeights,
    LoewnerEllipsoid,
    Loss,
    approximation_errors,
    certify_weights,
    enclosing_ellipsoid,
    lewis_weights,
    loewner_ellipsoid,
)

__all__ = [
    "ApproximationErrors",
    "EnclosingEllipsoid",
    "LewisWeights",
    "LoewnerEllipsoid",
    "Loss",
    "approximation_errors",
    "certify_weights",
    "enclosing_ellipsoid",
    "lewis_weights",
    "loewner_ellipsoid",
]
