// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace loewner::detail {

/// sum_i x_i^2, added in order.
inline double sum_of_squares(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0, [](double sum, double x) { return sum + x * x; });
}

/// The length of a vector whose squares may overflow.
inline double norm_of_any_size(std::span<const double> values) {
  double largest = 0, sum = 0;
  for (const double x : values) largest = std::max(largest, std::abs(x));
  if (largest == 0) return 0;
  for (const double x : values) sum += (x / largest) * (x / largest);
  return largest * std::sqrt(sum);
}

}  // namespace loewner::detail
