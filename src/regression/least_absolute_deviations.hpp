// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix_view.hpp"
#include "regression/basis_solution.hpp"

namespace loewner::detail {

/// min over y of  ||b - U y||_1.
///
/// Shapes    u: n x r, orthonormal columns; lengths: the n row norms of U; b: n, orthogonal to U,
///           entries of order 1.
/// Method    an interior point method [PortnoyKoenker1997], on few rows for tall U
///           (solve_by_predicted_signs), then the simplex method from the nearest vertex
///           (l1_simplex) unless the tolerance is 1e-4 or more.
/// Accuracy  status converged: objective - lower bound <= tolerance objective.
BasisSolution least_absolute_deviations(MatrixView<const double> u, std::span<const double> lengths,
                                        std::span<const double> b, const RegressionStop& stop);

}  // namespace loewner::detail
