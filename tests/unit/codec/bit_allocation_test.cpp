// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/bit_allocation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace loewner {
namespace {

constexpr std::array kDistortion = {1.0, 0.3, 0.1, 0.03};
constexpr std::array<Index, 4> kPrices = {0, 1, 2, 3};

double error_of(const std::vector<double>& energies, const std::vector<std::uint8_t>& bits) {
  double error = 0;
  for (std::size_t i = 0; i < energies.size(); ++i) error += energies[i] * kDistortion[bits[i]];
  return error;
}

TEST(BitAllocation, IsTheBestOfAllForEveryNumberOfBits) {
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
  ASSERT_EQ(allocation.most(), 15);
  for (Index total = 0; total <= 15; ++total) {
    const auto bits = allocation.steps(total);
    Index spent = 0;
    for (const int b : bits) spent += b;
    EXPECT_EQ(spent, total);
    EXPECT_NEAR(error_of(energies, bits), best[total], 1e-12) << total;
    EXPECT_NEAR(allocation.errors()[total], best[total], 1e-12) << total;
  }
}

// Control: the same bits for every row are worse as soon as rows differ.
TEST(BitAllocation, EqualBitsAreWorse) {
  const std::vector<double> energies = {100, 1, 1, 1};
  EXPECT_LT(BitAllocation(energies, kDistortion, kPrices).errors()[4], error_of(energies, {1, 1, 1, 1}));
}

}  // namespace
}  // namespace loewner
