// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/argument_check.hpp"
#include "loewner/regression/lp_regression.hpp"
#include "regression/regression_design.hpp"
#include "regression/regression_loss.hpp"

namespace loewner::detail {

/// Regressions on one design, one for each column of b.
struct RegressionTask {
  const ArgumentCheck& check;
  const RegressionDesign& design;
  MatrixView<const double> b;
  double tolerance;
  std::vector<int> exponents;  ///< column j of b is divided by 2^e_j
  bool shares_exponent;        ///< the columns of a block need the same
  /// The loss of residuals that are divided by 2^exponent.
  std::function<std::shared_ptr<const RegressionLoss>(int exponent)> loss_at;
};

/// Columns first ... first + count - 1 of b, divided by their powers of two.
Matrix<double> scaled_columns(const RegressionTask& task, Index first, Index count);

/// Solves these columns and proves their lower bounds: fills their places in `result`, which has the
/// sizes of the task, and in `iterations`.
///
/// Method    least squares, then the loss on the residual. Objectives are those of the returned x
///           for A as given. For a dual vector z and any x,
///             z^T S (b - A x) = z^T r - z^T S A (x - x'),
///           x' the returned solution and r its residual. The last term is 0 but for rounding. It is
///           bounded for all x that are no worse than x': RegressionDesign measures z^T S A, and the
///           loss limits S A (x - x').
/// Accuracy  x = 0 where the solution is no better or has no finite entries.
void solve_block(const RegressionTask& task, Index first, Index count, RobustRegression& result,
                 std::vector<int>& iterations);

}  // namespace loewner::detail
