// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// The factor c for which the probabilities min(1, c energy) add up to `count`; infinity if at most `count` rows have
/// energy.
inline double inclusion_factor(std::vector<double> energies, Index count) {
  constexpr double kAll = std::numeric_limits<double>::infinity();
  if (std::ranges::count_if(energies, [](double energy) { return energy > 0; }) <= count) return kAll;
  std::ranges::sort(energies, std::ranges::greater());
  double rest = std::accumulate(energies.rbegin(), energies.rend(), 0.0);
  for (Index certain = 0; certain < count; ++certain) {
    const double largest = energies[certain];
    if (!(rest > 0)) break;
    const double c = static_cast<double>(count - certain) / rest;
    if (c * largest <= 1) return c;
    rest -= largest;
  }
  return kAll;
}

}  // namespace loewner::detail
