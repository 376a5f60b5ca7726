// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// One way to store a matrix: what it takes and what it leaves.
struct RatePoint {
  Index bytes = 0;
  double error = 0;  ///< additive over the matrices, at least 0
};

/// What each matrix gets of one byte budget.
struct Allocation {
  std::vector<std::size_t> chosen;  ///< index into the points of each curve
  Index bytes = 0;
  double error = 0;  ///< sum over the curves
};

/// Chooses one point of every curve so that the bytes fit and the sum of the errors is small.
///
/// Shapes    curves: one for each matrix, of one point or more in any order; points that others beat do no harm.
/// Method    one multiplier: the steps of the curves' lower convex hulls are taken in the order of their gain per byte
///           while they fit; what is left over buys the best single improvements, hull or not (Shoham and Gersho 1988
///           for the multiplier).
/// Cost      O(m log m) for m points in all, and O(m) for each improvement.
/// Accuracy  never worse than the best allocation by more than the gain of the first step that does not fit.
/// Errors    BudgetError when the smallest points together exceed max_bytes; the message names their sum.
Allocation allocate(std::span<const std::vector<RatePoint>> curves, Index max_bytes);

/// The indices of the points on the lower convex hull, by increasing bytes and decreasing error.
std::vector<std::size_t> lower_hull(std::span<const RatePoint> points);

}  // namespace loewner
