// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"
#include "loewner/norms/loss.hpp"

namespace loewner {

struct RobustSubspaceOptions {
  Index rank = 0;                         ///< in [1, min(n, d)]
  Loss loss;                              ///< of the distance of a row from the subspace
  std::span<const double> row_weights{};  ///< n values >= 0, or empty for all ones
  int max_iterations = 50;
  double tolerance = 1e-6;  ///< relative decrease of the objective below which the iteration has converged
};

struct RobustSubspace {
  Matrix<double> vt;  // rank x d, orthonormal rows
  FitReport report;   // objective: sum_i u_i rho(dist_i)
};

/// A subspace that makes  sum_i u_i rho(||a_i - V V^T a_i||_2)  small over all V with `rank` orthonormal columns.
///
/// Shapes    a: n x d; vt: rank x d.
/// Method    reweighted least squares, for powers the fast median subspace method [LermanMaunu2018]: one truncated SVD
///           with weights u_i rho'(dist_i)/dist_i per step, from the truncated SVD with weights u_i.
/// Cost      per step one truncated SVD and 2 n d rank flops in float64; memory n doubles and row blocks.
/// Accuracy  a stationary point at best, since the problem is not convex (NP-hard for power(p != 2)). The best iterate
///           is returned, so the objective is never above that of the truncated SVD. power(2, 0) is the truncated SVD.
///           Status breakdown when every weight is 0 (a tukey scale below all distances): the last subspace is kept.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument as truncated_svd.
RobustSubspace robust_subspace(const RowSource& a, const RobustSubspaceOptions& options);

/// ||a_i - V V^T a_i||_2 for all rows of A, from ||a_i||^2 - ||V^T a_i||^2 where that does not cancel.
///
/// Shapes    a: n x d; vt: k x d, orthonormal rows; result: n.
/// Accuracy  relative to ||a_i||: 1e-13; rows in the subspace have distance 0 to that accuracy.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless vt has d columns.
std::vector<double> distances_to_subspace(const RowSource& a, MatrixView<const double> vt);

}  // namespace loewner
