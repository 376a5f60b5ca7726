// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct LewisOptions {
  double norm_exponent = 1;               ///< p >= 1, finite
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  int max_iterations = 5;
  double tolerance = 0.05;  ///< stop one step after the certificate is within this fraction of its limit
};

/// Weights of the rows of an n x d matrix A, and the ellipsoid that they define, with the proof of what it is worth:
///
///     alpha^-s ||x||_Q <= ||A x||_p <= omega^s ||x||_Q   (p <= 2),     s = |1/p - 1/2|,
///     omega^-s ||x||_Q <= ||A x||_p <= alpha^s ||x||_Q   (p >= 2),     ||A x||_p^p = sum_i u_i |a_i^T x|^p.
struct LewisWeights {
  std::vector<double> weights;  ///< w, n values; 0 for rows that do not count (a_i = 0 or u_i = 0)
  Matrix<double> q;             ///< Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T, d x d
  Index rank = 0;               ///< numerical rank r of Q; the inequalities hold on the range of Q
  double alpha = 0;             ///< at least max_i u_i^(2/p) a_i^T Q^+ a_i / w_i^(2/p); 1 for exact Lewis weights
  double omega = 0;             ///< sum_i w_i; r for exact Lewis weights
  double certificate = 1;       ///< (alpha omega)^s, at least the distortion; its limit is r^s
  Status status = Status::converged;
  int iterations = 0;
};

/// The l_p Lewis weights of A: the w with  w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i  for every row.
///
/// Shapes    a: n x d, any n, d and rank.
/// Units     the weights do not depend on the scale of A or of u.
/// Method    fixed point on the leverage scores of the reweighted rows: plain for p <= 2 [CohenPeng2015], damped by
///           4 / (p + 2) above, since the plain one diverges from p = 4 on; the sum of the weights is set to r after
///           each step. Steps run in float32 while A is well conditioned and, for a tolerance below 1e-3, until the
///           certificate is within the tolerance or comes no nearer to its limit: each step corrects the errors of
///           the last. Q and the certificate of the weights that are returned are computed in float64, or, for coarser
///           tolerances, with a proved bound of the float32 error.
/// Cost      2 n d^2 flops in float32 per iteration and n d^2 in each precision at the end; memory n + 8 d^2 doubles
///           and row blocks.
/// Accuracy  the certificate holds for the weights returned whatever the status is, up to the rounding of Q, for which
///           alpha has a margin. Directions in which ||A x|| is below 1e-6 of its largest value after reweighting count
///           as rank deficiency. Status max_iterations: the weights before the last step missed the tolerance, nothing
///           else; with the default limit of 5 that is usual for p > 6.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on p < 1, bad row weights, negative limits, or a non-finite entry (row and column named).
LewisWeights lewis_weights(const RowSource& a, const LewisOptions& options = {});

/// Q, rank, alpha, omega and certificate for any weights >= 0 in place of Lewis weights. The certificate is infinite
/// when a row that counts has weight 0.
///
/// Errors    as lewis_weights; InvalidArgument when the weights' number is not n or one is negative or not finite.
LewisWeights certify_weights(const RowSource& a, std::vector<double> weights, const LewisOptions& options = {});

}  // namespace loewner
