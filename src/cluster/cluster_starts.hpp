// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/random.hpp"
#include "loewner/cluster/projective_clustering.hpp"

// First guesses of a partition, for the descents of the cluster/ room.
namespace loewner::detail {

/// Spherical k-means of the rows' directions up to sign: centres drawn by their distance from those before, then a few
/// steps. Rows of weight 0 and zero rows go where they fall.
ClusterLabels angular_k_means(MatrixView<const float> a, std::span<const double> weights, Index num_clusters,
                              RandomStream& random);

/// Clusters grown one after the other: a row drawn by u_i dist^q from the subspaces so far, and the rows of smallest
/// angle to it span the next subspace of dimension j.
ClusterLabels farthest_subspaces(MatrixView<const float> a, std::span<const double> weights,
                                 const ProjectiveClusteringOptions& options, RandomStream& random);

/// Every row anywhere: subspaces that start alike and part slowly, but from any of which all partitions can be reached.
ClusterLabels random_partition(Index rows, Index num_clusters, RandomStream& random);

/// k parts of (nearly) equal size in the order of u_i ||a_i||^2, descending: rows that count alike together.
ClusterLabels energy_strata(const RowSource& a, std::span<const double> weights, Index num_clusters);

/// Rows and weights whose weighted sums estimate those of all rows without bias: row i is kept with probability
/// p_i = min(1, m (1 / (2 n) + e_i / (2 E))), e_i = u_i ||a_i||^2, with weight u_i / p_i; all rows when m >= n.
struct RowSample {
  Matrix<float> rows;
  std::vector<double> weights;
};
RowSample sample_rows(const RowSource& a, std::span<const double> weights, Index expected_count, RandomStream& random);

}  // namespace loewner::detail
