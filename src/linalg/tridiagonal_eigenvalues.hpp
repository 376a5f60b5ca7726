// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

namespace loewner::detail {

/// The eigenvalues of a symmetric tridiagonal matrix T in float32, ascending.
///
/// Shapes    diagonal: n finite values; beside: n - 1 values with finite squares in float32.
/// Method    Sturm counts [Givens1954] at n points of Gershgorin's interval bracket each eigenvalue; then bisection for
///           all at once. The counts at all points are the same chain of divisions, so vectors of them hide the latency
///           that QL iterations wait for.
/// Cost      n^2 (26 - log2 n) divisions in vectors: the first counts and the halvings down to float32 precision.
/// Accuracy  absolutely some 1e-6 ||T||.
/// Random    none; the same bits on every processor.
std::vector<double> tridiagonal_eigenvalues(std::span<const float> diagonal, std::span<const float> beside);

}  // namespace loewner::detail
