// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <numeric>
#include <span>

namespace loewner::detail {

/// sum_i x_i^2, added in order.
inline double sum_of_squares(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0, [](double sum, double x) { return sum + x * x; });
}

}  // namespace loewner::detail
