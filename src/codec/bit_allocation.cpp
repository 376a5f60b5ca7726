// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner {

BitAllocation::BitAllocation(std::span<const double> energies, std::span<const double> distortion)
    : rows_(static_cast<Index>(energies.size())) {
  require(energies.size() <= std::numeric_limits<std::uint32_t>::max(),
          [&] { return "BitAllocation: at most 2^32 - 1 rows are possible, got " + std::to_string(energies.size()); });
  struct Step {
    double gain;
    std::uint32_t row;
  };
  std::vector<Step> steps;
  steps.reserve(energies.size() * (distortion.size() - 1));
  for (std::size_t b = 0; b + 1 < distortion.size(); ++b) {
    for (std::size_t i = 0; i < energies.size(); ++i) {
      steps.push_back({energies[i] * (distortion[b] - distortion[b + 1]), static_cast<std::uint32_t>(i)});
    }
  }
  // Stable: a row of energy 0 gets its bits last, and equal rows in their order.
  std::ranges::stable_sort(steps, std::ranges::greater(), &Step::gain);
  double error = std::accumulate(energies.begin(), energies.end(), 0.0) * distortion[0];
  errors_.push_back(error);
  for (const Step& step : steps) {
    error -= step.gain;
    steps_.push_back(step.row);
    errors_.push_back(std::max(error, 0.0));
  }
}

std::vector<std::uint8_t> BitAllocation::bits(Index total) const {
  LOEWNER_ASSERT(total >= 0 && total <= most());
  std::vector<std::uint8_t> bits(static_cast<std::size_t>(rows_), 0);
  for (Index i = 0; i < total; ++i) ++bits[steps_[i]];
  return bits;
}

}  // namespace loewner
