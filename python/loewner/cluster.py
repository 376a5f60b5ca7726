# SPDX-License-Identifier: Apache-2.0
"""Clusters with a subspace each, and rows as convex combinations of vertices.

`projective_clustering` finds clusters and their subspaces. `latent_simplex` finds the vertices of a simplex from noisy
points in it, and `convex_code` writes rows as convex combinations of given vertices.
"""

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
