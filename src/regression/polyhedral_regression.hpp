// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "regression/smooth_regression.hpp"

namespace loewner::detail {

/// The solution of one regression in the basis of a design.
struct BasisSolution {
  std::vector<double> y;
  double lower_bound = 0;
  Status status = Status::max_iterations;
  int iterations = 0;
};

/// min ||b - U y||_1: a primal-dual interior point method, then exchanges of rows from the nearest vertex on until it
/// is optimal. b: orthogonal to U, of order 1; lengths: those of the rows of U.
BasisSolution least_absolute_deviations(MatrixView<const double> u, std::span<const double> lengths,
                                        std::span<const double> b, const RegressionStop& stop);

/// The exchanges alone: from the vertex of the rows whose residual at y is small and whose dual z is not near 1 in
/// size. breakdown: these rows depend on each other too nearly, y is returned.
BasisSolution exchange_from(MatrixView<const double> u, std::span<const double> b, std::span<const double> y,
                            std::span<const double> z, const RegressionStop& stop);

/// min ||b - U y||_inf: exchanges of rows (the simplex method on the dual problem) within a working set, which takes in
/// the rows of largest residual until no row of all is worse.
BasisSolution minimax_regression(MatrixView<const double> u, std::span<const double> b, const RegressionStop& stop);

}  // namespace loewner::detail
