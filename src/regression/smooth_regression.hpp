// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "regression/basis_solution.hpp"
#include "regression/regression_design.hpp"

namespace loewner::detail {

/// min over y_j of  ||targets_j - U y_j||_p,  1 < p < infinity, for every column j.
///
/// Shapes    targets: n x t, orthogonal to U, entries of order 1; lower bounds are on the norm.
/// Method    Newton steps with line search from y = 0 on all columns at once; a smoothing that
///           shrinks for p < 2; for p > 4 the solutions for a sequence of smaller exponents first.
BasisSolutions smooth_power_regression(const RegressionDesign& design, const Matrix<double>& targets, double p,
                                       const RegressionStop& stop);

/// min over y_j of  sum_i rho_i(targets_ij - (U y_j)_i),  rho_i the Huber loss with threshold
/// thresholds[i], for every column j.
///
/// Method    Newton steps as above.
BasisSolutions smooth_huber_regression(const RegressionDesign& design, const Matrix<double>& targets,
                                       const std::vector<double>& thresholds, const RegressionStop& stop);

}  // namespace loewner::detail
