// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/status.hpp"
#include "regression/regression_design.hpp"

namespace loewner::detail {

struct RegressionStop {
  double tolerance = 0;  ///< relative duality gap
  int max_iterations = 0;
};

/// Coordinates of the solutions of t regressions in the basis of a design, and what is known of them.
struct BasisSolutions {
  Matrix<double> y;                  ///< r x t
  std::vector<double> lower_bounds;  ///< t: on the least objective
  std::vector<Status> statuses;      ///< t
  std::vector<int> iterations;       ///< t

  BasisSolutions(Index rank, Index count)
      : y(rank, count), lower_bounds(count, 0.0), statuses(count, Status::max_iterations), iterations(count, 0) {}
};

/// min ||targets_j - U y_j||_p for 1 < p < infinity and all columns j, by Newton steps from y = 0, which should be
/// near: targets of order 1, orthogonal to U. Bounds are on the norm.
BasisSolutions smooth_power_regression(const RegressionDesign& design, const Matrix<double>& targets, double p,
                                       const RegressionStop& stop);

/// min sum_i rho(targets_ij - (U y_j)_i) with the Huber loss of threshold thresholds[i] for row i.
BasisSolutions smooth_huber_regression(const RegressionDesign& design, const Matrix<double>& targets,
                                       const std::vector<double>& thresholds, const RegressionStop& stop);

}  // namespace loewner::detail
