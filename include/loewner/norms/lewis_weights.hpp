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
  int max_iterations = 5;                 ///< >= 0
  double tolerance = 0.05;                ///< >= 0: of certificate / limit - 1
};

/// Weights w of the rows of an n x d matrix A, the ellipsoid norm ||x||_Q = (x^T Q x)^(1/2) that
/// they define, and a certificate of its distance from the l_p norm:
///
///     alpha^-s ||x||_Q <= ||A x||_p <= omega^s ||x||_Q   (p <= 2),
///     omega^-s ||x||_Q <= ||A x||_p <= alpha^s ||x||_Q   (p >= 2),
///
/// where s = |1/p - 1/2| and ||A x||_p^p = sum_i u_i |a_i^T x|^p.
struct LewisWeights {
  std::vector<double> weights;  ///< w: n values >= 0; 0 for rows with a_i = 0 or u_i = 0
  Matrix<double> q;             ///< Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T, d x d
  Index rank = 0;               ///< numerical rank r of Q; the inequalities hold on the range of Q
  double alpha = 0;             ///< >= max_i u_i^(2/p) a_i^T Q^+ a_i / w_i^(2/p); 1 if exact
  double omega = 0;             ///< sum_i w_i; r if exact
  double certificate = 1;       ///< (alpha omega)^s >= the distortion; its limit is r^s
  Status status = Status::converged;
  int iterations = 0;
};

/// The l_p Lewis weights of the rows of A: the w with  w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i  for
/// every row [Lewis1978].
///
/// Shapes    a: n x d, any n, d and rank.
/// Units     the weights do not depend on the scale of A or u.
/// Method    fixed-point iteration on the leverage scores of the reweighted rows: plain steps for
///           p <= 2 [CohenPeng2015]; for p > 2 steps damped by 4 / (p + 2), since plain ones
///           diverge from p = 4 on. After each step the weights are scaled to the sum r. Steps are
///           computed in float32 if A is well conditioned; for a tolerance below 1e-3, until the
///           certificate meets it or no longer decreases, since each step corrects the errors of
///           the previous one. Q and the certificate of the returned weights are computed in
///           float64, or, for a tolerance of 1e-3 or more, in float32 with a proved error bound.
/// Cost      2 n d^2 flops in float32 per iteration and n d^2 in each precision at the end; memory
///           n + 8 d^2 doubles and row blocks.
/// Accuracy  the certificate holds for the returned weights for every status; alpha has a margin
///           for rounding errors. A direction x with ||A x|| below 1e-6 of the largest value, after
///           reweighting, counts as rank deficiency. Status max_iterations says only that the
///           weights before the last step missed the tolerance; with the default limit this is
///           usual for p > 6.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on p < 1 or infinite, bad row weights, a negative limit or tolerance,
///           and a non-finite entry (the message names its row and column).
LewisWeights lewis_weights(const RowSource& a, const LewisOptions& options = {});

/// Q, rank, alpha, omega and certificate for given weights w >= 0 instead of Lewis weights.
///
/// Shapes    a: n x d, any n, d and rank; weights: n values.
/// Method    as the end of lewis_weights.
/// Cost      2 n d^2 flops; memory 8 d^2 doubles and row blocks.
/// Accuracy  as lewis_weights. The certificate is infinite if a row with a_i != 0 and u_i > 0 has
///           the weight 0.
/// Random    none; the same bits for any number of threads.
/// Errors    as lewis_weights; InvalidArgument if the number of weights is not n, and on a negative
///           or non-finite weight.
LewisWeights certify_weights(const RowSource& a, std::vector<double> weights, const LewisOptions& options = {});

}  // namespace loewner
