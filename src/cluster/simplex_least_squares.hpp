// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The matrix H of  min w^T H w - 2 c^T w  over the simplex (w >= 0, sum w = 1), shared by all rows
/// that are projected on the convex hull of the same vertices M:  H = M M^T + shift * 1 1^T.
///
/// On the simplex the shift adds a constant. It makes H definite where the vertices are affinely
/// independent, even if they are linearly dependent. The shift is the mean squared length of the
/// vertices (1 if all are zero).
class SimplexGram {
 public:
  explicit SimplexGram(MatrixView<const double> vertices);

  Index size() const { return h_.rows(); }
  double shift() const { return shift_; }
  const Matrix<double>& shifted() const { return h_; }  ///< H
  const Matrix<double>& plain() const { return g_; }    ///< M M^T

 private:
  Matrix<double> h_, g_;  // k x k
  double shift_ = 0;
};

struct SimplexMinimum {
  std::vector<double> weights;  ///< k, >= 0; sum 1 over the simplex
  double gap = 0;               ///< Frank-Wolfe gap: the objective is at most this far above the minimum
};

/// Minimizes  w^T H w - 2 c^T w  over the w of the simplex that vanish outside `allowed`.
///
/// Shapes    c, allowed: k; start: k weights (0 where not allowed) of a problem close to this one,
///           or empty.
/// Units     tolerance: of the gap, in units of the objective.
/// Method    active sets: the vertex of the steepest gradient enters, the equality-constrained
///           problem on the active vertices is solved by Cholesky, vertices whose weight would
///           become negative leave.
/// Cost      s^3 / 3 + k s flops per step for s active vertices; at most 3 k + 10 steps.
/// Accuracy  gap <= tolerance, unless rounding or the limit of steps ends the search earlier; the
///           returned gap is right in any case.
SimplexMinimum minimize_over_simplex(const SimplexGram& gram, std::span<const double> c, std::span<const char> allowed,
                                     std::vector<double> start, double tolerance);

/// Minimizes  v^T M M^T v - 2 c^T v  over the v >= 0 that vanish outside `allowed`: non-negative
/// least squares [LawsonHanson1974].
///
/// Shapes    as minimize_over_simplex.
/// Method    as minimize_over_simplex, without the constraint on the sum.
/// Accuracy  as minimize_over_simplex. The gap is over all v whose sum is at most 1000 times that of
///           the returned weights, or over all v >= 0 if these are zero.
SimplexMinimum minimize_over_cone(const SimplexGram& gram, std::span<const double> c, std::span<const char> allowed,
                                  std::vector<double> start, double tolerance);

}  // namespace loewner::detail
