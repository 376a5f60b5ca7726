// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

namespace loewner::detail {

/// The eigenvalues of a symmetric tridiagonal matrix T in float32, ascending.
///
/// Shapes    diagonal: n finite values; beside: n - 1, whose squares float32 holds.
/// Method    Sturm counts [Givens1954] of n places evenly over Gershgorin's interval tell between which of them each
///           eigenvalue lies; bisection goes on for all at once. The counts are the same chain of divisions for every
///           place, so vectors of them hide each other's latency, for which QL iterations wait.
/// Cost      n^2 (26 - log2 n) divisions in vectors, for places and as many halvings as float32 tells apart.
/// Accuracy  absolutely some 1e-6 ||T||.
/// Random    none; the same bits on every processor.
std::vector<double> tridiagonal_eigenvalues(std::span<const float> diagonal, std::span<const float> beside);

}  // namespace loewner::detail
