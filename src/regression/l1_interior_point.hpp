// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "regression/basis_solution.hpp"
#include "regression/l1_problem.hpp"

namespace loewner::detail {

/// Solves an L1Problem by a primal-dual interior point method.
///
/// Method    Mehrotra's predictor and corrector for the dual with bounds [PortnoyKoenker1997,
///           Mehrotra1992], from the least-squares solution.
/// Cost      per iteration one weighted Gram matrix (n r^2 flops) and its Cholesky factorization;
///           memory 12 n doubles.
/// Accuracy  ends when the gap is within the tolerance, at the limit, or when rounding leaves no
///           step: the caller checks the point by its lower bound.
L1Point l1_interior_point(const L1Problem& problem, const RegressionStop& stop);

}  // namespace loewner::detail
