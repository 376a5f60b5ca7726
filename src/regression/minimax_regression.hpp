// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix_view.hpp"
#include "regression/basis_solution.hpp"

namespace loewner::detail {

/// min over y of  ||b - U y||_inf.
///
/// Shapes    u: n x r; b: n.
/// Method    Stiefel's exchange algorithm, the simplex method on the dual problem [Stiefel1959],
///           within a working set of rows; the rows with the largest residuals join it until no
///           other row has a larger one.
/// Accuracy  the height of the reference is a lower bound. breakdown: fewer than r + 1 rows, or no
///           independent ones.
BasisSolution minimax_regression(MatrixView<const double> u, std::span<const double> b, const RegressionStop& stop);

}  // namespace loewner::detail
