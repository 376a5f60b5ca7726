// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

enum class VertexAggregate {
  mean,    ///< of the rows near a vertex
  median,  ///< of each coordinate: for noise with outliers; a point that no convex combination need be
};

struct LatentSimplexOptions {
  double share = 0;  ///< of the rows that lie near each vertex, in (0, 1]; 0: 1 / (5 k). At least 10 rows are averaged
  int tries = 8;     ///< random directions a stage, >= 1
  int power_steps = 1;  ///< passes that sharpen the subspace, >= 0; 0: two passes over the data in all
  VertexAggregate aggregate = VertexAggregate::mean;
  std::uint64_t seed = 0;
};

struct LatentSimplex {
  Matrix<double> vertices;                  ///< r x d, r <= k: fewer where the rows span fewer dimensions
  std::vector<std::vector<Index>> members;  ///< r lists of the rows that each vertex is the average of, ascending
  std::vector<double> singular_values;      ///< of A, descending, as the sketch estimates them
  /// How far each vertex is from the span of those that come before it when the farthest always comes next, in units of
  /// the longest: 1 for the longest. Where the rows have fewer than k vertices, the ones too many are no farther than
  /// noise, or the rounding of the entries, puts them.
  std::vector<double> separations;
};

/// The vertices m_1 ... m_k of a simplex from rows a_i = sum_j w_ij m_j + noise, w_i >= 0, sum_j w_ij = 1: topics of
/// documents, overlapping communities, archetypes of embeddings.
///
/// Shapes    a: n x d, any storage (points are rows); k <= min(n, d).
/// Method    learning a latent simplex in input-sparsity time [BakshiBhattacharyyaKannanWoodruffZhou2021]: a basis of
///           the top k right singular vectors from a sparse sketch and power_steps passes; then k stages, each of which
///           looks along a random direction orthogonal to the vertices so far for the share of the rows that goes
///           farthest one way, aims anew at their mean, and keeps the best of its tries. Ours: directions are aimed
///           anew, only one sign is taken (the largest absolute values would mix two vertices), and when all vertices
///           are there each is looked for once more along the direction in which the others vanish, the barycentric
///           coordinate. Vertices are averages of original rows.
/// Cost      (4 + 2 power_steps) passes of about 2 nnz(A) (4 k + 8) flops, and 3 k tries n k for the stages.
/// Accuracy  exact copies of every vertex (a share of them): to rounding. With noise sigma per coordinate about sigma /
///           sqrt(share n) where the vertices are well separated, and a bias of about sigma in the one direction that
///           the rows are chosen by; a share above the true one draws vertices inwards. Vertices that are linearly
///           dependent cannot be told apart: fewer come back.
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument unless 1 <= k <= min(n, d), on options out of range or a non-finite entry (named).
LatentSimplex latent_simplex(const RowMatrix& a, Index k, const LatentSimplexOptions& options = {});

}  // namespace loewner
