// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// sum of term(j) over 0 <= j < count, in float64, in eight interleaved lanes. The order is the same everywhere, and
/// compilers can vectorize it without reordering sums.
template <typename Term>
double lane_sum(Index count, Term&& term) {
  std::array<double, 8> lanes{};
  Index j = 0;
  for (; j + 8 <= count; j += 8) {
    for (Index lane = 0; lane < 8; ++lane) lanes[lane] += term(j + lane);
  }
  for (; j < count; ++j) lanes[0] += term(j);
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace loewner::detail
