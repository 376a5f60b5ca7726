// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <vector>

#include "regression/regression_design.hpp"

namespace loewner::detail {

/// The state of one column of targets in Newton's method.
struct NewtonColumn {
  Index target = 0;      ///< its place among all columns
  double smoothing = 0;  ///< e of the smoothed loss
  double objective = 0;
  double lower_bound = 0;
  double excess = 0;  ///< the objective of the smoothed loss less that of the loss
  double best_gap = std::numeric_limits<double>::infinity();
  int idle_iterations = 0;      ///< since the gap last decreased
  bool needs_cholesky = false;  ///< conjugate gradients were slow for this column
};

/// The Newton directions: for each column j the p_j with  U^T diag(curvature_j) U p_j = gradient_j.
///
/// Shapes    curvature: n x t; gradient and result: r x t; columns: t.
/// Method    conjugate gradients on all columns at once where t and r are large enough for them to
///           pay, since in the orthonormal basis most systems are well conditioned; a column for
///           which they are slow gets a Cholesky factorization, in this call and, by
///           columns[j].needs_cholesky, in all later ones.
/// Cost      n r^2 flops per factorization, 4 n r t per step of conjugate gradients.
Matrix<double> newton_directions(const RegressionDesign& design, const Matrix<double>& curvature,
                                 const Matrix<double>& gradient, std::vector<NewtonColumn>& columns);

}  // namespace loewner::detail
