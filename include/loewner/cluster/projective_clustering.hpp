// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

/// The cluster of every row. Files store it in one byte, so there are at most 256 clusters.
using ClusterLabels = std::vector<std::uint8_t>;
inline constexpr Index kMaxClusters = 256;

struct ProjectiveClusteringOptions {
  Index num_clusters = 1;  ///< k, in [1, 256]
  Index dimension = 1;     ///< j of every subspace, in [0, d]
  double exponent = 2;     ///< q, 1 or 2
  /// t > 0, in units of distance to the power q.
  double truncation = std::numeric_limits<double>::infinity();
  std::span<const double> row_weights{};  ///< u, n values >= 0; empty: all ones
  int num_restarts = 3;                   ///< in [1, 1000]
  int max_iterations = 50;                ///< of the final descent, >= 1
  double tolerance = 3e-4;                ///< least relative decrease per iteration
  std::uint64_t seed = 0;
};

struct ProjectiveClustering {
  ClusterLabels cluster_of_row;       ///< n
  std::vector<Matrix<double>> bases;  ///< k matrices, j x d, orthonormal rows
  /// Objective: sum_i u_i min(dist_i^q, t). The initial one is that of a single cluster.
  FitReport report;
};

/// Clusters the rows around k subspaces S_l of dimension j through the origin:
/// approximately minimizes  sum_i u_i min(dist(a_i, S_c(i))^q, t)  over the subspaces and the
/// cluster c(i) of every row.
///
/// Shapes    a: n x d; bases: j x d each. n < k j is allowed: clusters may be empty; an empty
///           cluster has a basis.
/// Units     truncation: distance to the power q. tolerance: relative.
/// Method    alternation [MaaloufEtAl2021]: each row moves to the subspace of least loss; each
///           subspace becomes the leading eigenvectors of its rows' weighted Gram matrix, which is
///           updated by the rows that moved. q = 1 and truncation are handled by iterative
///           reweighting in the same loop (see robust_subspace). The restarts use, in turn, splits
///           of the most costly cluster, spherical k-means, and farthest subspaces (a row drawn by
///           its residual, with its nearest rows in angle). They run on a sample of the rows, and a
///           restart that falls behind is dropped. Then exchanges: one cluster of the best restart
///           is dissolved and the most costly one is split. An empty cluster takes the rows of
///           largest loss. The result of the sample starts the descent on all rows.
/// Cost      per iteration at most n d^2 + 4 k d^3 flops in float64 and 2 n d sum_l min(j, d - j)
///           in float32; memory 8 k n + 24 k d^2 bytes per restart, and a sample of about
///           max(4096, 4 k d) rows.
/// Accuracy  a local optimum of an NP-hard problem; never above the best single subspace (k = 1),
///           which is computed first, beyond 1e-6 of the energy. For q = 1, distances below 1e-7 of
///           the root mean square row norm are smoothed.
/// Random    seed; the same bits for any number of threads.
/// Errors    InvalidArgument on an option out of range, weights that do not fit, an empty matrix,
///           or a non-finite entry.
ProjectiveClustering projective_clustering(const RowSource& a, const ProjectiveClusteringOptions& options);

}  // namespace loewner
