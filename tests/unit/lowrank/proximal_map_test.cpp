// SPDX-License-Identifier: Apache-2.0
#include "lowrank/proximal_map.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace loewner::detail {
namespace {

double objective(double e, double z, double p, double step) {
  return std::pow(std::abs(e), p) + (e - z) * (e - z) / (2 * step);
}

class EveryPower : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Powers, EveryPower, testing::Values(1.0, 1.01, 1.3, 1.5, 1.99, 2.0, 2.5, 4.0, 12.0));

TEST_P(EveryPower, MinimizesItsObjective) {
  const double p = GetParam();
  for (const double step : {1e-3, 0.3, 20.0}) {
    const ProximalMap proximal(p, step);
    for (const double z : {1e-6, 0.02, 0.7, 5.0, 300.0}) {
      const double e = static_cast<double>(proximal(static_cast<float>(z))), best = objective(e, z, p, step);
      const double slack = 1e-5 * best + 1e-12 * z * z / step;  // e is rounded to float32
      for (const double other : {0.0, 0.9 * e, 0.99 * e, 1.01 * e, 1.1 * e, z}) {
        EXPECT_LE(best, objective(other, z, p, step) + slack) << "step " << step << ", z " << z << ", e " << e;
      }
    }
  }
}

TEST_P(EveryPower, IsOddAndBetweenZeroAndItsArgument) {
  const ProximalMap proximal(GetParam(), 0.4);
  EXPECT_EQ(proximal(0.0F), 0.0F);
  for (const float z : {1e-30F, 1e-3F, 1.0F, 1e4F, 1e30F}) {
    EXPECT_GE(proximal(z), 0.0F) << z;
    EXPECT_LE(proximal(z), z);
    EXPECT_EQ(proximal(-z), -proximal(z));
  }
}

TEST(ProximalMap, IsSoftThresholdingForPowerOne) {
  const ProximalMap proximal(1, 0.5);
  EXPECT_EQ(proximal(0.4F), 0.0F);
  EXPECT_EQ(proximal(0.5F), 0.0F);
  EXPECT_EQ(proximal(-2.0F), -1.5F);
}

TEST(ProximalMap, ScalesForPowerTwo) {
  EXPECT_FLOAT_EQ(ProximalMap(2, 0.5)(3.0F), 1.5F);
}

}  // namespace
}  // namespace loewner::detail
