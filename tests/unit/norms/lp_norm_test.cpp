// SPDX-License-Identifier: Apache-2.0
#include "norms/lp_norm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace loewner::detail {
namespace {

constexpr double kInfiniteExponent = std::numeric_limits<double>::infinity();

TEST(LpNorm, IsTheRootOfThePowerSum) {
  const std::vector<double> x{3, -4, 0, 12};
  EXPECT_DOUBLE_EQ(lp_norm(x, 2), 13);
  EXPECT_DOUBLE_EQ(lp_norm(x, 1), 19);
  EXPECT_DOUBLE_EQ(lp_norm(x, 3), std::cbrt(power_sum(x, 3)));
  EXPECT_EQ(lp_norm(x, kInfiniteExponent), 12);
  EXPECT_EQ(lp_norm({}, 1.5), 0);
}

TEST(LpNorm, IsFiniteWherePowersOverflow) {
  const std::vector<double> x{1e200, -1e200};
  EXPECT_DOUBLE_EQ(lp_norm(x, 2), std::sqrt(2.0) * 1e200);
  EXPECT_TRUE(std::isinf(power_sum(x, 2)));  // the control
}

TEST(LpNorm, FirstPowersHaveTheBitsOfPow) {
  for (const double x : {-3.7, 1e-310, 0.1, 1e300}) EXPECT_EQ(absolute_power(x, 1), std::pow(std::abs(x), 1.0));
}

}  // namespace
}  // namespace loewner::detail
