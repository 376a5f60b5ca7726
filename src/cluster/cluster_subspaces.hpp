// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/cluster/projective_clustering.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {

/// The rows of each cluster, ascending.
std::vector<std::vector<Index>> rows_by_cluster(std::span<const std::uint8_t> labels, Index num_clusters);

/// The weighted Gram matrix of every cluster and its eigenvectors, updated when rows move or
/// weights change.
class ClusterSubspaces {
 public:
  ClusterSubspaces(const RowSource& a, Index num_clusters);

  /// Computes the eigenvectors of  sum_{i in cluster l} w_i a_i a_i^T  for all l. A cluster of zero
  /// energy keeps its previous eigenvectors.
  ///
  /// Cost      the Gram matrix of the moved rows, or of all rows of the cluster if that is cheaper;
  ///           one eigenproblem per changed cluster, in parallel.
  void fit(ClusterLabels labels, std::span<const double> weights);

  Index num_clusters() const { return static_cast<Index>(clusters_.size()); }
  Index size(Index l) const { return clusters_[l].size; }
  const SymmetricEigen& eigen(Index l) const { return clusters_[l].eigen; }

 private:
  struct Cluster {
    Matrix<double> gram;
    SymmetricEigen eigen;
    Index size = 0;
  };
  void fit_cluster(Index l, const std::vector<Index>& rows, const std::vector<Index>& in,
                   const std::vector<Index>& out);
  Matrix<double> gram_of(const std::vector<Index>& rows) const;

  const RowSource& a_;
  std::vector<Cluster> clusters_;
  ClusterLabels labels_;
  std::vector<double> weights_;
};

}  // namespace loewner::detail
