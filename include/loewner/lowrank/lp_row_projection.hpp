// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

struct LpRowProjectionOptions {
  double norm_exponent = 1;  ///< p >= 1, finite
  int max_iterations = 30;   ///< >= 0, per row
  double tolerance = 1e-4;   ///< >= 0: of the decrease of a row's objective, relative
};

struct LpRowProjection {
  Matrix<float> left;  ///< n x k
  FitReport report;    ///< objective: sum_i ||a_i - left_i right||_p^p; iterations: the most
};

/// The closest point of a row space to each row a_i in the l_p norm:  min over z of  ||a_i - z
/// right||_p. Row weights do not change the minimizers.
///
/// Shapes    a: n x d; right: k x d, any rank, k <= d; left: n x k, of minimum norm if rank(right)
///           < k.
/// Units     tolerance: relative.
/// Method    for each row, from the l_2 projection, iteratively reweighted least squares with the
///           weights (r_j^2 + e^2)^(p/2 - 1), where e decreases [ChartrandYin2008]; steps
///           1 / (p - 1) for p > 2 [BurrusBarretoSelesnick1994], halved until the objective
///           decreases. The least-squares problem is solved for the k coefficients or for the d - k
///           free combinations of residuals, whichever are fewer.
/// Cost      per row and iteration d m^2 + m^3 / 3 flops in float64, m = min(k, d - k); memory 2
///           d^2 doubles per thread.
/// Accuracy  no row has a larger objective than its l_2 projection, up to the float32 rounding of
///           the result. The problem is convex. With the default tolerance the objective exceeds
///           the minimum by up to 1 % at p = 1 in practice. Status max_iterations: the limit
///           stopped some row.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on p < 1 or infinite, a right factor with a wrong shape or a
///           non-finite entry, a negative limit or tolerance, and a non-finite entry of A; also if
///           the objective, a sum of p-th powers, leaves float64.
LpRowProjection lp_row_projection(const RowSource& a, MatrixView<const float> right,
                                  const LpRowProjectionOptions& options = {});

}  // namespace loewner
