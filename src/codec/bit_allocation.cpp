// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner {

BitAllocation::BitAllocation(std::span<const double> energies, std::span<const double> distortion,
                             std::span<const Index> prices)
    : rows_(static_cast<Index>(energies.size())) {
  require(energies.size() <= std::numeric_limits<std::uint32_t>::max(),
          [&] { return "BitAllocation: at most 2^32 - 1 rows are possible, got " + std::to_string(energies.size()); });
  LOEWNER_ASSERT(distortion.size() == prices.size() && !prices.empty());
  struct Step {
    double gain_for_price, gain;
    Index price;
    std::uint32_t row;
    std::uint8_t step;
  };
  std::vector<Step> steps;
  steps.reserve(energies.size() * (distortion.size() - 1));
  for (std::size_t b = 0; b + 1 < distortion.size(); ++b) {
    const Index price = prices[b + 1] - prices[b];
    for (std::size_t i = 0; i < energies.size(); ++i) {
      const double gain = energies[i] * (distortion[b] - distortion[b + 1]);
      steps.push_back({gain / static_cast<double>(price), gain, price, static_cast<std::uint32_t>(i),
                       static_cast<std::uint8_t>(b + 1)});
    }
  }
  // Stable: a row of energy 0 takes its steps last, and equal rows in their order.
  std::ranges::stable_sort(steps, std::ranges::greater(), &Step::gain_for_price);
  double error = std::accumulate(energies.begin(), energies.end(), 0.0) * distortion[0];
  errors_.push_back(error);
  prices_.push_back(prices[0] * rows_);
  highest_.push_back(0);
  for (const Step& step : steps) {
    order_.push_back(step.row);
    highest_.push_back(std::max(highest_.back(), step.step));
    prices_.push_back(prices_.back() + step.price);
    error -= step.gain;
    errors_.push_back(std::max(error, 0.0));
  }
}

std::vector<std::uint8_t> BitAllocation::steps(Index taken) const {
  LOEWNER_ASSERT(taken >= 0 && taken <= most());
  std::vector<std::uint8_t> steps(static_cast<std::size_t>(rows_), 0);
  for (Index i = 0; i < taken; ++i) ++steps[order_[i]];
  return steps;
}

}  // namespace loewner
