// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "regression/basis_solution.hpp"
#include "regression/l1_problem.hpp"

namespace loewner::detail {

/// min over y of  ||b - U y||_1  for tall U by predicting the signs of most residuals
/// [PortnoyKoenker1997].
///
/// Method    solves a sample of rows; the rows whose sign that solution leaves open (a wide band
///           around 0) are solved next, the others enter as a linear term; that solution leaves a
///           narrow band, which is solved to the tolerance or to an optimal vertex. Rows with a
///           wrong sign join the band, and it is solved again.
/// Shapes    lengths: the n row norms of U.
/// Accuracy  the predicted signs are verified on all rows. Nothing for small problems and if too
///           many signs are wrong.
std::optional<L1Point> solve_by_predicted_signs(MatrixView<const double> u, std::span<const double> lengths,
                                                std::span<const double> b, const RegressionStop& stop, bool to_vertex);

}  // namespace loewner::detail
