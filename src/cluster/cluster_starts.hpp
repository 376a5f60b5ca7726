// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/random.hpp"
#include "loewner/cluster/projective_clustering.hpp"

// Initial partitions for the descents of this room.
namespace loewner::detail {

/// Spherical k-means of the directions of the rows up to sign: centers drawn by their distance from
/// the centers so far, then a few Lloyd steps. Rows of zero weight or zero norm get any label.
ClusterLabels angular_k_means(MatrixView<const float> a, std::span<const double> weights, Index num_clusters,
                              RandomStream& random);

/// One subspace after the other: draws a row with probability proportional to u_i dist^q from the
/// subspaces so far, and fits the next subspace of dimension j to the rows of smallest angle to it.
ClusterLabels farthest_subspaces(MatrixView<const float> a, std::span<const double> weights,
                                 const ProjectiveClusteringOptions& options, RandomStream& random);

/// k strata of (nearly) equal size in descending order of u_i ||a_i||^2.
ClusterLabels energy_strata(const RowSource& a, std::span<const double> weights, Index num_clusters);

/// Rows and weights whose weighted sums estimate those of all rows without bias: row i is kept with
/// probability p_i = min(1, m (1 / (2 n) + e_i / (2 E))), e_i = u_i ||a_i||^2, with weight u_i /
/// p_i; all rows when m >= n.
struct PoissonSample {
  Matrix<float> rows;
  std::vector<double> weights;
};
PoissonSample poisson_sample(const RowSource& a, std::span<const double> weights, Index expected_count,
                             RandomStream& random);

}  // namespace loewner::detail
