// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "regression/basis_solution.hpp"
#include "regression/l1_problem.hpp"

namespace loewner::detail {

/// The simplex method of Barrodale and Roberts for  min over y of  ||b - U y||_1
/// [BarrodaleRoberts1973].
///
/// Method    starts at the vertex of r independent rows, chosen among those with a small residual
///           at y and |z| away from 1, and exchanges rows until the dual is feasible.
/// Cost      n r flops per exchange.
/// Accuracy  converged: the vertex is optimal to rounding. breakdown: no r rows are independent, y
///           is returned.
BasisSolution l1_simplex(MatrixView<const double> u, std::span<const double> b, std::span<const double> y,
                         std::span<const double> z, const RegressionStop& stop);

/// The optimal vertex that the simplex method reaches from a point, or the point itself if the
/// method fails.
L1Point moved_to_vertex(const L1Problem& problem, L1Point point, int max_iterations);

}  // namespace loewner::detail
