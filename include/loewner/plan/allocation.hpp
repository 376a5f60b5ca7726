// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Size and error of one way to encode a matrix.
struct RatePoint {
  Index bytes = 0;
  double error = 0;  ///< at least 0; the errors of several matrices add up
};

/// The points that allocate() chose, and their sums.
struct Allocation {
  std::vector<std::size_t> chosen;  ///< index into the points of each curve
  Index bytes = 0;                  ///< sum over the curves
  double error = 0;                 ///< sum over the curves
};

/// Chooses one point k_i of every curve:  min sum_i error_i(k_i)  with  sum_i bytes_i(k_i) <=
/// max_bytes.
///
/// Shapes    curves: one for each matrix, each with at least one point, in any order. Points off
///           the lower convex hull are allowed.
/// Method    Lagrange multiplier [ShohamGersho1988]: takes the steps of the curves' lower convex
///           hulls in the order of their gain per byte as long as they fit. The bytes that remain
///           pay for the best single improvements, on or off the hulls.
/// Cost      O(m log m) for m points in total, and O(m) for each improvement.
/// Accuracy  the sum of errors exceeds the optimum by at most the gain of the first step that does
///           not fit.
/// Random    none.
/// Errors    BudgetError if the smallest points together exceed max_bytes; the message names their
///           sum. InvalidArgument on a curve without points.
Allocation allocate(std::span<const std::vector<RatePoint>> curves, Index max_bytes);

/// The indices of the points on the lower convex hull, by increasing bytes and decreasing error.
///
/// Shapes    points: m in any order; result: at most m indices.
/// Method    sorts by bytes, then removes points above the line between their neighbors.
/// Cost      O(m log m) for m points.
/// Accuracy  exact up to the rounding of slopes in float64.
/// Errors    none.
std::vector<std::size_t> lower_hull(std::span<const RatePoint> points);

}  // namespace loewner
