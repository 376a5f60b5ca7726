// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct LpRowProjectionOptions {
  double norm_exponent = 1;  ///< p >= 1, finite
  int max_iterations = 30;   ///< per row
  double tolerance = 1e-4;   ///< relative decrease of a row's objective below which the row is finished
};

struct LpRowProjection {
  Matrix<float> left;  // n x k
  FitReport report;    // objective: sum_i ||a_i - left_i right||_p^p; iterations: the most that a row took
};

/// The left factor of the best approximation of each row in the l_p norm:  min over z of  ||a_i - z right||_p,  for all
/// rows a_i of A. Row weights would not change the minimisers.
///
/// Shapes    a: n x d; right: k x d, of any rank, k <= d; left: n x k (the minimum-norm one when rank(right) < k).
/// Method    per row, from the l_2 projection, reweighted least squares with weights (r_j^2 + e^2)^(p/2 - 1), e
///           shrinking, step 1/(p-1) for p > 2, steps halved until the objective decreases. The least squares problem
///           is solved for the k coefficients or for the d - k free combinations of residuals, whichever are fewer.
/// Cost      per row and iteration d m^2 + m^3 / 3 flops in float64, m = min(k, d - k); memory 2 d^2 doubles a thread.
/// Accuracy  no row's objective is above that of its l_2 projection, up to the float32 rounding of the result. The
///           problem is convex; decreases below the tolerance are left on the table, in practice up to 1 % at p = 1
///           with the default tolerance.
///           Status max_iterations: some row was stopped by the limit.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on p < 1, a right factor of the wrong shape or with a non-finite entry, negative limits,
///           or a non-finite entry of A.
LpRowProjection lp_row_projection(const RowSource& a, MatrixView<const float> right,
                                  const LpRowProjectionOptions& options = {});

}  // namespace loewner
