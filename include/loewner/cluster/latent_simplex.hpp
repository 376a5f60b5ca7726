// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// How a vertex is computed from the rows near it.
enum class VertexAggregate {
  mean,
  median,  ///< of each coordinate; robust to outliers, not always a convex combination of rows
};

struct LatentSimplexOptions {
  double share = 0;     ///< share of rows near each vertex, in (0, 1]; 0: 1 / (5 k). >= 10 rows
  int tries = 8;        ///< random directions per stage, in [1, 65536]
  int power_steps = 1;  ///< power iterations on the subspace, in [0, 1000]; 0: two passes
  VertexAggregate aggregate = VertexAggregate::mean;
  std::uint64_t seed = 0;
};

struct LatentSimplex {
  Matrix<double> vertices;                  ///< r x d, r <= k: fewer if the rows span fewer
  std::vector<std::vector<Index>> members;  ///< r lists: the rows of each vertex, ascending
  std::vector<double> singular_values;      ///< of A, descending, as estimated from the sketch
  /// Pivoted Gram-Schmidt distances: each vertex's distance from the span of the vertices before
  /// it, where the farthest vertex comes next, divided by the largest length. The first is 1. If
  /// the data have fewer than k vertices, the separations of the excess ones are at the level of
  /// noise or rounding.
  std::vector<double> separations;
};

/// Estimates the vertices m_1 ... m_k of a simplex from rows
/// a_i = sum_j w_ij m_j + noise,  w_ij >= 0,  sum_j w_ij = 1: topics of documents, overlapping
/// communities, archetypes of embeddings.
///
/// Shapes    a: n x d, any storage; k <= min(n, d).
/// Method    latent simplex in input-sparsity time [BakshiBhattacharyyaKannanWoodruffZhou2021]: the
///           top k right singular vectors from a sparse sketch and power_steps power iterations;
///           then k stages. A stage draws random directions orthogonal to the vertices found so
///           far, takes the share of rows that lies farthest along each, and keeps the set whose
///           mean is farthest from the span of these vertices. Ours: each direction is replaced
///           twice by that of the mean it found; only one sign is used, since rows of large
///           absolute value would mix two vertices; at the end each vertex is searched once more
///           along the direction in which all others vanish (its barycentric coordinate). Vertices
///           aggregate original rows, not projections.
/// Cost      (4 + 2 power_steps) passes of about 2 nnz(A) (4 k + 8) flops, and 3 k tries n k for
///           the stages.
/// Accuracy  to rounding, if a share of the rows are exact copies of each vertex. With noise sigma
///           per coordinate and well separated vertices: about sigma / sqrt(share n), plus a bias
///           of about sigma in the direction by which the rows were selected. A share above the
///           true one moves vertices inwards. Linearly dependent vertices cannot be separated;
///           fewer are returned.
/// Random    seed; the same bits for any number of threads.
/// Errors    InvalidArgument unless 1 <= k <= min(n, d), on an option out of range, or on a
///           non-finite entry (row and column named).
LatentSimplex latent_simplex(const RowMatrix& a, Index k, const LatentSimplexOptions& options = {});

}  // namespace loewner
