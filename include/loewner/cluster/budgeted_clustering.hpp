// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "loewner/cluster/dimension_budget.hpp"
#include "loewner/cluster/projective_clustering.hpp"

namespace loewner {

struct BudgetedClusteringOptions {
  std::optional<Index> num_clusters{};    ///< at most, in [1, 256]; absent: chosen automatically
  Index max_numbers = 0;                  ///< limit of sum_l j_l (n_l + d), >= 0
  std::span<const double> row_weights{};  ///< u, n values >= 0; empty: all ones
  int max_iterations = 12;                ///< >= 1
  double tolerance = 2e-3;                ///< least relative decrease per iteration
  /// Initial labels, n values; the number of clusters is then the largest label + 1. Empty: strata
  /// of equal energy.
  std::span<const std::uint8_t> start{};
};

/// A partition of the rows with the spectrum of each cluster, from which spend_on_dimensions finds
/// the dimensions for any budget.
struct BudgetedClustering {
  ClusterLabels cluster_of_row;           ///< n
  std::vector<ClusterSpectrum> clusters;  ///< of the clusters that have rows
  /// Objective: sum_i u_i dist_i^2 at max_numbers. The initial one is that of a single cluster.
  FitReport report;
};

/// Clusters the rows around subspaces S_l through the origin of unequal dimensions j_l:
/// approximately minimizes  sum_i u_i dist(a_i, S_c(i))^2  subject to
/// sum_l j_l (n_l + d) <= max_numbers.
///
/// Shapes    a: n x d.
/// Method    the alternation of projective_clustering [MaaloufEtAl2021] on the Lagrangian of the
///           budget: spend_on_dimensions chooses the dimensions, and row i moves to the cluster of
///           least u_i dist^2 + price * j_l, since it stores j_l numbers there. It starts from
///           strata of equal u_i ||a_i||^2. Without num_clusters it tries 2, 4, 8, ... clusters for
///           a few steps each, stops when a doubling lowers the squared error by less than 2 %, and
///           continues from the best. The single subspace is returned if no partition is better.
/// Cost      per iteration at most n d^2 + 4 k d^3 flops in float64 and 2 n d sum_l
///           min(j_l, d - j_l) in float32.
/// Accuracy  a local optimum, never above the single subspace. The squared error is a sum of
///           eigenvalues, to 1e-12 of the energy.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on an option out of range, weights or labels that do not fit, an empty
///           matrix, or a non-finite entry.
BudgetedClustering budgeted_clustering(const RowSource& a, const BudgetedClusteringOptions& options);

}  // namespace loewner
