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
  Index rank = 0;                         ///< k in [1, min(n, d)]
  Loss loss;                              ///< of the distance of a row from the subspace
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  int max_iterations = 50;
  double tolerance = 1e-6;  ///< converged at a smaller relative change of the objective
};

struct RobustSubspace {
  Matrix<double> vt;  ///< k x d, orthonormal rows
  FitReport report;   ///< objective: sum_i u_i rho(dist_i)
};

/// A subspace with a small  sum_i u_i rho(||a_i - V V^T a_i||_2)  over all V with k orthonormal
/// columns.
///
/// Shapes    a: n x d; vt: k x d.
/// Units     the scale of the loss: that of the distances; tolerance: relative.
/// Method    iteratively reweighted least squares, for powers the fast median subspace method
///           [LermanMaunu2018]: each step is one truncated SVD with the weights u_i rho'(dist_i) /
///           dist_i, the first one with the weights u_i.
/// Cost      per step one truncated SVD and 2 n d k flops in float64; memory n doubles and row
///           blocks.
/// Accuracy  a stationary point at best: the problem is not convex (NP-hard for powers p != 2). The
///           best iterate is returned, so the objective is never above that of the truncated SVD.
///           power(2, 0) gives the truncated SVD. Status breakdown if all weights become 0 (a tukey
///           scale below all distances): the last subspace is returned.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument as truncated_svd, on invalid options, and if the objective leaves
///           float64.
RobustSubspace robust_subspace(const RowSource& a, const RobustSubspaceOptions& options);

/// ||a_i - V V^T a_i||_2 for all rows of A.
///
/// Shapes    a: n x d; vt: k x d, orthonormal rows; result: n.
/// Method    the root of ||a_i||^2 - ||V^T a_i||^2, or the norm of the residual where that
///           difference cancels.
/// Cost      2 n d k flops in float64; memory row blocks.
/// Accuracy  1e-13 relative to ||a_i||; a row in the subspace has the distance 0 to that accuracy.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless vt has d columns.
std::vector<double> distances_to_subspace(const RowSource& a, MatrixView<const double> vt);

}  // namespace loewner
