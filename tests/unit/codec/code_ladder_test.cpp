// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/code_ladder.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/codec/trellis_quantizer.hpp"
#include "support/messages.hpp"

namespace loewner::code_ladder_test {
namespace {

std::vector<double> falling_variances(Index count, double ratio) {
  std::vector<double> variances;
  for (Index j = 0; j < count; ++j) variances.push_back(std::pow(ratio, static_cast<double>(j)));
  return variances;
}

TEST(CodeLadder, PlainLadderHasTheBitsOfTheQuantizer) {
  const CodeLadder ladder = CodeLadder::plain(384);
  EXPECT_TRUE(ladder.is_plain());
  for (int step = 0; step <= kMaxCodeBits; ++step) {
    EXPECT_EQ(ladder.bytes(step), 48 * step);
    EXPECT_DOUBLE_EQ(ladder.mean_bits(step), step);
    EXPECT_DOUBLE_EQ(ladder.distortion()[static_cast<std::size_t>(step)], kTrellisDistortion[step]);
  }
}

TEST(CodeLadder, EqualVariancesGiveOneBand) {
  const CodeLadder ladder = CodeLadder::for_variances(std::vector<double>(100, 3.0));
  ASSERT_EQ(ladder.bands().size(), 1U);
  EXPECT_FLOAT_EQ(ladder.bands()[0].size, 1);
}

TEST(CodeLadder, LargerVariancesGetAtLeastAsManyBitsAndStepsAreFine) {
  const CodeLadder ladder = CodeLadder::for_variances(falling_variances(384, 0.99));
  EXPECT_GT(ladder.bands().size(), 3U);
  EXPECT_EQ(ladder.cols(), 384);
  const auto& steps = ladder.steps();
  EXPECT_LE(steps.size(), CodeLadder::kMaxSteps);
  for (std::size_t s = 1; s < steps.size(); ++s) {
    for (std::size_t g = 1; g < steps[s].size(); ++g) EXPECT_LE(steps[s][g], steps[s][g - 1]);
    const double rise = ladder.mean_bits(static_cast<int>(s)) - ladder.mean_bits(static_cast<int>(s) - 1);
    EXPECT_GT(rise, 0);
    EXPECT_LE(rise, 0.5);
  }
  EXPECT_DOUBLE_EQ(ladder.mean_bits(static_cast<int>(steps.size()) - 1), kMaxCodeBits);
}

// The gain per byte does not increase: the curve is convex, as BitAllocation requires.
TEST(CodeLadder, DistortionIsConvexAndBelowThatOfEqualBits) {
  const CodeLadder ladder = CodeLadder::for_variances(falling_variances(384, 0.99));
  const auto left = ladder.distortion();
  double before = 1e300;
  for (std::size_t s = 1; s < left.size(); ++s) {
    const auto step = static_cast<int>(s);
    const double gain = (left[s - 1] - left[s]) / static_cast<double>(ladder.bytes(step) - ladder.bytes(step - 1));
    EXPECT_LE(gain, before * (1 + 1e-12));
    before = gain;
    if (ladder.mean_bits(step) == 2) {
      EXPECT_LT(left[s], 0.7 * kTrellisDistortion[2]);
    }
  }
}

TEST(CodeLadder, UpToRemovesBandsWithoutBits) {
  const CodeLadder ladder({{16, 2.0F}, {16, 1.0F}, {8, 0.5F}}, {{0, 0, 0}, {1, 0, 0}, {2, 1, 0}, {2, 2, 1}});
  EXPECT_EQ(ladder.up_to(3).cols(), 40);
  const CodeLadder two = ladder.up_to(2);
  EXPECT_EQ(two.cols(), 32);
  EXPECT_EQ(two.bytes(2), ladder.bytes(2));
  EXPECT_EQ(two.steps().size(), 3U);
  EXPECT_EQ(ladder.up_to(0).cols(), 16);
}

TEST(CodeLadder, AtStepsKeepsBandsAndChosenSteps) {
  const CodeLadder ladder({{16, 2.0F}, {8, 1.0F}}, {{0, 0}, {1, 0}, {2, 1}, {3, 2}});
  const CodeLadder chosen = ladder.at_steps(std::array{0, 2, 3});
  EXPECT_EQ(chosen.cols(), 24);
  EXPECT_EQ(chosen.steps(), (CodeLadder::Steps{{0, 0}, {2, 1}, {3, 2}}));
}

TEST(CodeLadder, AcceptsZeroVariances) {
  const CodeLadder ladder = CodeLadder::for_variances(std::vector<double>(20, 0.0));
  EXPECT_EQ(ladder.cols(), 20);
  for (const double left : ladder.distortion()) EXPECT_TRUE(std::isfinite(left));
}

TEST(CodeLadder, RejectsBadBandsAndSteps) {
  const auto message = [](std::vector<CodeLadder::Band> bands, CodeLadder::Steps steps) {
    return test::message_of<InvalidArgument>([&] { CodeLadder(std::move(bands), std::move(steps)); });
  };
  EXPECT_CONTAINS(message({}, {{}}), "at least one band");
  EXPECT_CONTAINS(message({{0, 1.0F}}, {{0}}), "columns");
  EXPECT_CONTAINS(message({{8, std::nanf("")}}, {{0}}), "finite size");
  EXPECT_CONTAINS(message({{8, 1.0F}}, {{1}}), "the first step has no bits");
  EXPECT_CONTAINS(message({{8, 1.0F}}, {{0}, {9}}), "0 to 8 bits");
  EXPECT_CONTAINS(message({{8, 1.0F}}, {{0}, {1, 1}}), "0 to 8 bits for each band");
  EXPECT_CONTAINS(message({{8, 1.0F}}, CodeLadder::Steps(129, {0})), "1 to 128 steps, got 129");
}

}  // namespace
}  // namespace loewner::code_ladder_test
