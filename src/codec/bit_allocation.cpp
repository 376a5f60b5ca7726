// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

// One step b of all rows: they take it by falling energy, for each gains its energy times the same fall.
struct StepQueue {
  double fall;  // of the distortion
  Index price;
  std::size_t taken = 0;
  double gain_for_price = 0;  // of the row that waits

  void wait_for(std::span<const double> energies, std::span<const std::uint32_t> falling) {
    gain_for_price = taken < falling.size() ? energies[falling[taken]] * fall / static_cast<double>(price) : -1;
  }
};

// Equal rows stay in their order.
std::vector<std::uint32_t> by_falling_energy(std::span<const double> energies) {
  std::vector<std::uint32_t> rows(energies.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::stable_sort(rows, std::ranges::greater(), [&](std::uint32_t i) { return energies[i]; });
  return rows;
}

}  // namespace

BitAllocation::BitAllocation(std::span<const double> energies, std::span<const double> distortion,
                             std::span<const Index> prices)
    : rows_(static_cast<Index>(energies.size())) {
  require(energies.size() <= std::numeric_limits<std::uint32_t>::max(),
          [&] { return "BitAllocation: at most 2^32 - 1 rows are possible, got " + std::to_string(energies.size()); });
  LOEWNER_ASSERT(distortion.size() == prices.size() && !prices.empty());
  const std::vector<std::uint32_t> falling = by_falling_energy(energies);
  std::vector<StepQueue> queues;
  for (std::size_t b = 0; b + 1 < distortion.size(); ++b) {
    LOEWNER_ASSERT(distortion[b] >= distortion[b + 1]);
    queues.push_back({.fall = distortion[b] - distortion[b + 1], .price = prices[b + 1] - prices[b]});
    queues.back().wait_for(energies, falling);
  }
  const std::size_t most = energies.size() * queues.size();
  order_.reserve(most);
  highest_.reserve(most + 1);
  prices_.reserve(most + 1);
  errors_.reserve(most + 1);
  double error = std::accumulate(energies.begin(), energies.end(), 0.0) * distortion[0];
  errors_.push_back(error);
  prices_.push_back(prices[0] * rows_);
  highest_.push_back(0);
  while (order_.size() < most) {
    // The first of the largest: the lower step where two gain the same, so that no row skips one.
    StepQueue& queue = *std::ranges::max_element(queues, {}, &StepQueue::gain_for_price);
    const std::uint32_t row = falling[queue.taken++];
    queue.wait_for(energies, falling);
    order_.push_back(row);
    highest_.push_back(std::max(highest_.back(), static_cast<std::uint8_t>(&queue - queues.data() + 1)));
    prices_.push_back(prices_.back() + queue.price);
    error -= energies[row] * queue.fall;
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
