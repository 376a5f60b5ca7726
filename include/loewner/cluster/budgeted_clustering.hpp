// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "loewner/cluster/dimension_budget.hpp"
#include "loewner/cluster/projective_clustering.hpp"

namespace loewner {

struct BudgetedClusteringOptions {
  std::optional<Index> num_clusters{};    ///< at most, in [1, 256]; none: chosen by the budget
  Index max_numbers = 0;                  ///< sum_l j_l (n_l + d), >= 0
  std::span<const double> row_weights{};  ///< u, n values >= 0, or empty for all ones
  int max_iterations = 12;
  double tolerance = 2e-3;  ///< relative decrease of the squared error below which the iteration has converged
  /// Where to start, n labels that are used with as many clusters as they name; empty: energy strata.
  std::span<const std::uint8_t> start{};
};

/// A partition of the rows and what each cluster's dimensions gain: enough to spend any number of bytes on it.
struct BudgetedClustering {
  ClusterLabels cluster_of_row;           // n
  std::vector<ClusterSpectrum> clusters;  // those that have rows; eigenvalues of sum_i u_i a_i a_i^T
  FitReport report;                       // objective: sum_i u_i dist_i^2 at max_numbers; the initial one is of k = 1
};

/// Clusters, and subspaces of unequal dimensions j_l, that make  sum_i u_i dist(a_i, S_c(i))^2  small subject to
/// sum_l j_l (n_l + d) <= max_numbers.
///
/// Shapes    a: n x d.
/// Method    as projective_clustering, for the Lagrangian: the dimensions are bought by spend_on_dimensions, and each
///           row goes where  u_i dist^2 + price * j_l  is least, since it stores j_l numbers there. Rows that count
///           much so find their way to subspaces of high dimension. Starts: rows that count
///           alike together (u_i ||a_i||^2), and one subspace for all, which is returned if nothing better is found.
///           Without num_clusters 2, 4, 8, ... clusters descend a few steps each while a doubling lowers the squared
///           error by at least 2 %; the best goes on.
/// Cost      per iteration at most n d^2 + 4 k d^3 flops in float64 and 2 n d sum_l min(j_l, d - j_l) in float32.
/// Accuracy  a local optimum; the squared error is that of the eigenvalues, to 1e-12 of the energy.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on options outside their ranges, bad weights, an empty matrix or a non-finite entry.
BudgetedClustering budgeted_clustering(const RowSource& a, const BudgetedClusteringOptions& options);

}  // namespace loewner
