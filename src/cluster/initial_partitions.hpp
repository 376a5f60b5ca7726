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

}  // namespace loewner::detail
