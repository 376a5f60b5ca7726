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

/// The cluster of every row. One byte per row is also what a file stores, so there are at most 256 clusters.
using ClusterLabels = std::vector<std::uint8_t>;
inline constexpr Index kMaxClusters = 256;

struct ProjectiveClusteringOptions {
  Index num_clusters = 1;                                       ///< k, in [1, 256]
  Index dimension = 1;                                          ///< j of every subspace, in [0, d]
  double exponent = 2;                                          ///< q, 1 or 2
  double truncation = std::numeric_limits<double>::infinity();  ///< t > 0, in units of the distances to the power q
  std::span<const double> row_weights{};                        ///< u, n values >= 0, or empty for all ones
  int num_restarts = 3;                                         ///< >= 1
  int max_iterations = 50;                                      ///< of the final descent
  double tolerance = 3e-4;  ///< relative decrease of the objective below which the iteration has converged
  std::uint64_t seed = 0;
};

struct ProjectiveClustering {
  ClusterLabels cluster_of_row;       // n
  std::vector<Matrix<double>> bases;  // k of j x d, orthonormal rows
  FitReport report;                   // objective: sum_i u_i min(dist_i^q, t); the initial one is that of k = 1
};

/// Subspaces S_1 ... S_k of dimension j, through the origin, and a cluster for every row, that make
/// sum_i u_i min(dist(a_i, S_c(i))^q, t)  small.
///
/// Shapes    a: n x d; bases: j x d each. n < k j is fine: clusters may be empty, and keep some basis.
/// Method    expectation maximisation over k subspaces [MaaloufEtAl2021]: every row goes to the subspace of least loss,
///           every subspace becomes the leading eigenvectors of its rows' weighted Gram matrix, which is updated by the
///           rows that moved. q = 1 and truncation by reweighting (robust_subspace.hpp) inside the same loop. Starts in
///           turn: splitting the worst cluster, spherical k-means, and farthest subspaces (a row drawn by its residual
///           and its neighbours in angle). They race on a sample of the rows until they fall behind; then clusters of
///           the winner are dissolved, each for a cut of the most costly one, and the best goes on. An empty
///           cluster gets the rows of largest loss. At last the descent on all rows.
/// Cost      per iteration at most n d^2 + 4 k d^3 flops in float64 and 2 n d sum_l min(j, d - j) in float32; memory
///           8 k n + 24 k d^2 bytes for each start in the race, and a sample of about max(4096, 4 k d) rows.
/// Accuracy  a local optimum of an NP-hard problem; never above the best single subspace (k = 1), which is computed
///           first, beyond rounding of 1e-6 of the energy. For q = 1 distances below 1e-7 of the root mean square norm
///           are smoothed.
/// Random    by the seed only; the same bits for any number of threads.
/// Errors    InvalidArgument on options outside their ranges, bad weights, an empty matrix or a non-finite entry.
ProjectiveClustering projective_clustering(const RowSource& a, const ProjectiveClusteringOptions& options);

}  // namespace loewner
