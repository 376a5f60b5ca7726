// SPDX-License-Identifier: Apache-2.0
#include "base/argument_check.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/messages.hpp"

namespace loewner::detail {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const ArgumentCheck kCheck("solve");

template <typename Action>
std::string refusal(Action&& action) {
  return test::message_of<InvalidArgument>(action);
}

TEST(ArgumentCheck, NamesFunctionArgumentRequirementAndValue) {
  EXPECT_EQ(refusal([] { kCheck.at_least("sweeps", 2, 3); }), "solve: sweeps must be at least 3, got 2");
  EXPECT_EQ(refusal([] { kCheck.positive("scale", 0); }), "solve: scale must be positive, got 0");
  EXPECT_EQ(refusal([] { kCheck.in_range("k", 7, 0, 5); }), "solve: k must be in [0, 5], got 7");
  EXPECT_EQ(refusal([] { kCheck.norm_exponent(0.5); }), "solve: norm_exponent must be finite and at least 1, got 0.5");
  EXPECT_EQ(refusal([] { kCheck.rank(80, 64, 100); }), "solve: rank must be in [1, 64] for a 64 x 100 matrix, got 80");
}

TEST(ArgumentCheck, NamesTheRowOfABadValue) {
  const std::vector<double> weights = {1, -2, 3}, probabilities = {0.5, 1, 0};
  EXPECT_EQ(refusal([&] { kCheck.row_weights(weights, 3); }),
            "solve: row_weights must be finite and at least 0, got -2 for row 1");
  EXPECT_EQ(refusal([&] { kCheck.row_weights(weights, 4); }),
            "solve: row_weights must have one value per row (4), got 3");
  EXPECT_EQ(refusal([&] { kCheck.probabilities(probabilities, 3); }),
            "solve: probabilities must be in (0, 1], got 0 for row 2");
}

TEST(ArgumentCheck, RejectsNaN) {
  const double nan = std::nan("");
  const std::vector<double> values = {nan};
  EXPECT_CONTAINS(refusal([&] { kCheck.at_least("tolerance", nan, 0); }), "got nan");
  EXPECT_CONTAINS(refusal([&] { kCheck.positive("scale", nan); }), "got nan");
  EXPECT_CONTAINS(refusal([&] { kCheck.norm_exponent(nan); }), "got nan");
  EXPECT_CONTAINS(refusal([&] { kCheck.row_weights(values, 1); }), "got nan for row 0");
  EXPECT_CONTAINS(refusal([&] { kCheck.probabilities(values, 1); }), "got nan for row 0");
}

TEST(ArgumentCheck, AcceptsTheEndsOfEveryRange) {
  const std::vector<double> weights = {0, 1e300}, probabilities = {1e-300, 1};
  EXPECT_NO_THROW(kCheck.at_least("norm_exponent", kInfinity, 1));
  EXPECT_NO_THROW(kCheck.in_range("k", 0, 0, 5));
  EXPECT_NO_THROW(kCheck.norm_exponent(1));
  EXPECT_NO_THROW(kCheck.rank(64, 64, 100));
  EXPECT_NO_THROW(kCheck.row_weights(weights, 2));
  EXPECT_NO_THROW(kCheck.row_weights({}, 2));
  EXPECT_NO_THROW(kCheck.probabilities(probabilities, 2));
}

TEST(ArgumentCheck, BuildsTheMessageOnlyOnFailure) {
  EXPECT_NO_THROW(kCheck.that(true, []() -> std::string { throw std::logic_error("built"); }));
  EXPECT_THROW(kCheck.that(false, []() -> std::string { throw std::logic_error("built"); }), std::logic_error);
}

}  // namespace
}  // namespace loewner::detail
