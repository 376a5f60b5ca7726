# SPDX-License-Identifier: Apache-2.0
"""Clusters with a subspace each, and rows as convex combinations of vertices."""

from loewner._core.cluster import (
    ConvexCodes,
    LatentSimplex,
    ProjectiveClustering,
    VertexAggregate,
    convex_code,
    latent_simplex,
    projective_clustering,
)

__all__ = [
    "ConvexCodes",
    "LatentSimplex",
    "ProjectiveClustering",
    "VertexAggregate",
    "convex_code",
    "latent_simplex",
    "projective_clustering",
]
