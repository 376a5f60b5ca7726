// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace loewner::detail {

/// The smallest double >= 0 that satisfies a monotone condition. Non-negative doubles are ordered
/// like their bits, so this is a bisection over the bits.
template <typename Condition>
double first_double_that(Condition&& holds) {
  std::uint64_t low = 0, high = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::infinity());
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (holds(std::bit_cast<double>(middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return std::bit_cast<double>(low);
}

}  // namespace loewner::detail
