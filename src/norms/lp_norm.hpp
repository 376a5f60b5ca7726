// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace loewner::detail {

/// |x|^p. p = 1 gives the same bits as std::pow, faster.
inline double absolute_power(double x, double p) {
  return p == 1 ? std::abs(x) : std::pow(std::abs(x), p);
}

/// sum_j |x_j|^p = ||x||_p^p, added in order. Overflows if a power does.
inline double power_sum(std::span<const double> x, double p) {
  double sum = 0;
  for (const double value : x) sum += absolute_power(value, p);
  return sum;
}

/// ||x||_p for p in [1, infinity]. The entries are divided by the largest one, so that the result is finite if the norm
/// is.
inline double lp_norm(std::span<const double> x, double p) {
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  if (largest == 0 || std::isinf(p)) return largest;
  double sum = 0;
  for (const double value : x) sum += std::pow(std::abs(value) / largest, p);
  return largest * std::pow(sum, 1 / p);
}

/// u_i^(1/p): a row with weight u_i enters the l_p norm as u_i^(1/p) a_i. Empty stays empty.
inline std::vector<double> norm_scales(std::span<const double> weights, double p) {
  std::vector<double> scales(weights.size());
  std::ranges::transform(weights, scales.begin(), [&](double u) { return std::pow(u, 1 / p); });
  return scales;
}

/// u_i^(2/p): the weights of the rows in a sum of squares. Empty stays empty.
inline std::vector<double> squared_scales(std::span<const double> weights, double p) {
  std::vector<double> scales(weights.size());
  std::ranges::transform(weights, scales.begin(), [&](double u) { return std::pow(u, 2 / p); });
  return scales;
}

}  // namespace loewner::detail
