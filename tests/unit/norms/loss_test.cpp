// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loss.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner::loss_test {
namespace {

constexpr double kScale = 0.7;

struct NamedLoss {
  std::string name;
  Loss loss;
  double value_at_zero;
};

class EveryLoss : public testing::TestWithParam<NamedLoss> {};

INSTANTIATE_TEST_SUITE_P(
    Losses, EveryLoss,
    testing::Values(NamedLoss{"PowerOne", Loss::power(1, kScale), 0.5 * kScale},
                    NamedLoss{"PowerOneAndAHalf", Loss::power(1.5, kScale), 0.25 * std::pow(kScale, 1.5)},
                    NamedLoss{"PowerTwo", Loss::power(2, 0), 0}, NamedLoss{"PowerThree", Loss::power(3, 0), 0},
                    NamedLoss{"Huber", Loss::huber(kScale), 0},
                    NamedLoss{"GemanMcClure", Loss::geman_mcclure(kScale), 0},
                    NamedLoss{"Tukey", Loss::tukey(kScale), 0}),
    [](const auto& named) { return named.param.name; });

TEST_P(EveryLoss, WeightTimesDistanceIsTheDerivativeOfTheValue) {
  const Loss& loss = GetParam().loss;
  for (const double r : {0.1, 0.3, 0.69, 0.71, 1.0, 5.0}) {  // both sides of the switch
    const double h = 1e-5 * r, slope = (loss.value(r + h) - loss.value(r - h)) / (2 * h);
    EXPECT_NEAR(loss.weight(r) * r, slope, 1e-7 * (1 + std::abs(slope))) << "r = " << r;
  }
}

TEST_P(EveryLoss, HasItsDocumentedValueAtZeroAndNeverDecreases) {
  const Loss& loss = GetParam().loss;
  EXPECT_DOUBLE_EQ(loss.value(0), GetParam().value_at_zero);
  for (double r = 0; r < 3; r += 0.01) EXPECT_LE(loss.value(r), loss.value(r + 0.01)) << "r = " << r;
}

TEST_P(EveryLoss, ValueAndWeightAreContinuousAtTheSwitch) {
  const Loss& loss = GetParam().loss;
  const double above = std::nextafter(kScale, 1.0);
  EXPECT_NEAR(loss.value(kScale), loss.value(above), 1e-14);
  EXPECT_NEAR(loss.weight(kScale), loss.weight(above), 1e-14);
}

// The weight of a concave function of r^2 does not increase, which makes reweighting a majorization.
TEST_P(EveryLoss, WeightNeverIncreasesUnlessDamped) {
  const Loss& loss = GetParam().loss;
  bool increases = false;
  for (double r = 0; r < 3; r += 0.01) increases |= loss.weight(r + 0.01) > loss.weight(r);
  EXPECT_EQ(increases, loss.damping() < 1);
}

TEST(Loss, KnownValuesBeyondTheSwitch) {
  EXPECT_DOUBLE_EQ(Loss::power(1, 0.1).value(3), 3);
  EXPECT_DOUBLE_EQ(Loss::huber(2).value(5), 2 * (5 - 1));
  EXPECT_DOUBLE_EQ(Loss::tukey(3).value(100), 9.0 / 6);
  EXPECT_DOUBLE_EQ(Loss::tukey(3).weight(100), 0);
  EXPECT_NEAR(Loss::geman_mcclure(3).value(1e9), 9.0 / 2, 1e-12);
}

TEST(Loss, RejectsParametersOutsideTheirRange) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW((void)Loss::power(0.9, 1), InvalidArgument);
  EXPECT_THROW((void)Loss::power(infinity, 1), InvalidArgument);
  EXPECT_THROW((void)Loss::power(1, 0), InvalidArgument);
  EXPECT_NO_THROW((void)Loss::power(2, 0));
  for (const double bad : {0.0, -1.0, infinity}) {
    EXPECT_THROW((void)Loss::huber(bad), InvalidArgument);
    EXPECT_THROW((void)Loss::geman_mcclure(bad), InvalidArgument);
    EXPECT_THROW((void)Loss::tukey(bad), InvalidArgument);
  }
}

}  // namespace
}  // namespace loewner::loss_test
