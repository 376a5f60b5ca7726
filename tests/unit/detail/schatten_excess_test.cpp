// SPDX-License-Identifier: Apache-2.0
#include "detail/schatten_excess.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "loewner/base/random.hpp"
#include "support/operators.hpp"

namespace loewner::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SchattenExcess, IsExactInTheFrobeniusAndTheSpectralNorm) {
  const std::vector<double> tail{3, 2};
  EXPECT_NEAR(schatten_excess({.tail = tail, .squared_norm = 16, .rank = 1, .gain = 9}, 2), 0.25, 1e-15);
  EXPECT_NEAR(schatten_excess({.tail = tail, .squared_norm = 16, .rank = 1, .gain = 7}, kInfinity), 1.0 / 3, 1e-15);
}

TEST(SchattenExcess, NothingToGainIsNoExcess) {
  EXPECT_EQ(schatten_excess({.tail = {}, .squared_norm = 0, .rank = 1, .gain = 0}, 2), 0);
  EXPECT_EQ(schatten_excess({.tail = {}, .squared_norm = 0, .rank = 1, .gain = 0}, 1), 0);
}

// The true excess for squares that grew by deltas of the same sum, over random ones.
TEST(SchattenExcess, BoundsEveryWayToSpreadTheGain) {
  RandomStream random(1, RandomPurpose::test_data);
  for (int trial = 0; trial < 300; ++trial) {
    const Index rank = 1 + static_cast<Index>(random.below(3));
    std::vector<double> best(12), grown(12);
    for (double& value : best) value = std::pow(random.uniform(), 3);
    std::ranges::sort(best, std::greater<>());
    grown = best;
    double squared_norm = 0, gain = 0;
    for (Index i = 0; i < 2 * rank; ++i) {
      const double delta = 0.1 * random.uniform();
      gain += delta;
      double& value = grown[random.below(grown.size())];
      value = std::sqrt(value * value + delta);
    }
    for (const double value : best) squared_norm += value * value;
    for (const double p : {1.0, 1.5, 2.0, 3.0, 8.0, kInfinity}) {
      const double excess = test::schatten_norm(grown, p) / test::schatten_norm(best, p) - 1;
      const std::span<const double> tail = std::span(best).first(1 + random.below(12));
      const double bound = schatten_excess({.tail = tail, .squared_norm = squared_norm, .rank = rank, .gain = gain}, p);
      EXPECT_LE(excess, bound * (1 + 1e-12)) << "p = " << p;
    }
  }
}

}  // namespace
}  // namespace loewner::detail
