// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

namespace loewner::bit_allocation_test {
namespace {

constexpr std::array kDistortion = {1.0, 0.3, 0.1, 0.03};
constexpr std::array<Index, 4> kPrices = {0, 1, 2, 3};

double error_of(const std::vector<double>& energies, const std::vector<std::uint8_t>& bits) {
  double error = 0;
  for (std::size_t i = 0; i < energies.size(); ++i) error += energies[i] * kDistortion[bits[i]];
  return error;
}

TEST(BitAllocation, IsOptimalForEveryNumberOfBits) {
  const std::vector<double> energies = {5, 1, 0.2, 3, 0};
  const BitAllocation allocation(energies, kDistortion, kPrices);
  std::vector<double> best(16, std::numeric_limits<double>::infinity());
  for (int code = 0; code < 1024; ++code) {
    std::vector<std::uint8_t> bits;
    Index total = 0;
    for (int i = 0; i < 5; ++i) {
      bits.push_back(static_cast<std::uint8_t>(code >> 2 * i & 3));
      total += bits.back();
    }
    best[total] = std::min(best[total], error_of(energies, bits));
  }
  ASSERT_EQ(allocation.most_price(), 15);
  for (Index total = 0; total <= 15; ++total) {
    const auto spent = allocation.within(total);
    const auto bits = allocation.steps(spent);
    Index sum = 0;
    for (const int b : bits) sum += b;
    EXPECT_EQ(sum, total);
    EXPECT_EQ(spent.price, total);
    EXPECT_EQ(spent.highest_step(), std::ranges::max(bits));
    EXPECT_NEAR(error_of(energies, bits), best[total], 1e-12) << total;
    EXPECT_NEAR(spent.error, best[total], 1e-12) << total;
  }
}

// The greedy algorithm: always the largest gain per price; for equal gains the lowest step, then the
// first row.
std::vector<std::uint8_t> one_by_one(const std::vector<double>& energies, std::span<const Index> prices, Index amount) {
  std::vector<std::uint8_t> bits(energies.size(), 0);
  Index spent = static_cast<Index>(energies.size()) * prices[0];
  for (;;) {
    double most = -1;
    std::size_t best = 0;
    for (std::size_t i = 0; i < energies.size(); ++i) {
      if (bits[i] == 3) continue;
      const auto price = static_cast<double>(prices[bits[i] + 1] - prices[bits[i]]);
      const double gain = energies[i] * (kDistortion[bits[i]] - kDistortion[bits[i] + 1]) / price;
      if (gain > most || (gain == most && bits[i] < bits[best])) {
        most = gain;
        best = i;
      }
    }
    if (most < 0) return bits;
    spent += prices[bits[best] + 1] - prices[bits[best]];
    if (spent > amount) return bits;
    ++bits[best];
  }
}

TEST(BitAllocation, EqualsTheGreedyAlgorithm) {
  constexpr std::array<Index, 4> prices = {1, 3, 6, 11};
  const std::vector<double> energies = {4, 1, 1, 0, 1e-300, 4, 0.25, 1, 0, 7};
  const BitAllocation allocation(energies, kDistortion, prices);
  EXPECT_EQ(allocation.least_price(), 10);
  EXPECT_EQ(allocation.most_price(), 110);
  for (Index amount = 10; amount <= 111; ++amount) {
    const auto spent = allocation.within(amount);
    EXPECT_EQ(allocation.steps(spent), one_by_one(energies, prices, amount)) << amount;
    EXPECT_LE(spent.price, amount);
  }
}

TEST(BitAllocation, IsEmptyWithoutRows) {
  const auto spent = BitAllocation({}, kDistortion, kPrices).within(0);
  EXPECT_EQ(spent.price, 0);
  EXPECT_EQ(spent.error, 0);
  EXPECT_EQ(spent.highest_step(), 0);
}

// Negative control: equal bits for all rows have a larger error if the energies differ.
TEST(BitAllocation, BeatsEqualBits) {
  const std::vector<double> energies = {100, 1, 1, 1};
  EXPECT_LT(BitAllocation(energies, kDistortion, kPrices).within(4).error, error_of(energies, {1, 1, 1, 1}));
}

}  // namespace
}  // namespace loewner::bit_allocation_test
