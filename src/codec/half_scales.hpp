// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/number_format.hpp"

namespace loewner::detail {

/// The exponent e for which largest / 2^e is in [2^15, 2^16), near the largest half 65504. 0 for 0.
inline int half_exponent(double largest) {
  constexpr int kLargestHalfExponent = 15;
  return largest > 0 ? std::ilogb(largest) + 1 - kLargestHalfExponent : 0;
}

/// Scales as halves times 2^exponent.
struct HalfScales {
  std::vector<std::uint16_t> halves;
  int exponent = 0;
};

inline HalfScales half_scales(std::span<const double> scales) {
  double largest = 0;
  for (const double scale : scales) largest = std::max(largest, std::abs(scale));
  HalfScales result{.halves = {}, .exponent = half_exponent(largest)};
  for (const double scale : scales) {
    result.halves.push_back(float_to_half(static_cast<float>(std::ldexp(scale, -result.exponent))));
  }
  return result;
}

}  // namespace loewner::detail
