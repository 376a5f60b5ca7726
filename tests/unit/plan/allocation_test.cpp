// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/allocation.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

using Curves = std::vector<std::vector<RatePoint>>;

// The optimum over all combinations.
double best_error(const Curves& curves, Index max_bytes, std::size_t first = 0) {
  if (first == curves.size()) return max_bytes >= 0 ? 0 : std::numeric_limits<double>::infinity();
  double best = std::numeric_limits<double>::infinity();
  for (const auto& point : curves[first]) {
    best = std::min(best, point.error + best_error(curves, max_bytes - point.bytes, first + 1));
  }
  return best;
}

TEST(LowerHull, KeepsThePointsThatMinimizeErrorPlusAMultipleOfBytes) {
  const std::vector<RatePoint> points = {{4, 1.0}, {1, 10.0}, {2, 9.0}, {3, 2.0}, {5, 1.0}, {3, 5.0}};
  EXPECT_EQ(lower_hull(points), (std::vector<std::size_t>{1, 3, 0}));
}

TEST(LowerHull, KeepsASinglePoint) {
  EXPECT_EQ(lower_hull(std::vector<RatePoint>{{7, 3.0}}), (std::vector<std::size_t>{0}));
}

TEST(Allocate, SpendsBytesOnTheLargestGains) {
  const Curves curves = {{{10, 8.0}, {20, 4.0}, {30, 3.0}}, {{10, 80.0}, {20, 40.0}, {30, 20.0}}};
  const auto allocation = allocate(curves, 50);
  EXPECT_EQ(allocation.chosen, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(allocation.bytes, 50);
  EXPECT_DOUBLE_EQ(allocation.error, 24);
}

TEST(Allocate, SpendsTheRestOnPointsOffTheHull) {
  const Curves curves = {{{1, 10.0}, {2, 9.9}, {5, 0.0}}};
  EXPECT_EQ(allocate(curves, 4).chosen, (std::vector<std::size_t>{1}));
  EXPECT_EQ(allocate(curves, 5).chosen, (std::vector<std::size_t>{2}));
}

TEST(Allocate, IsWithinOneStepOfTheOptimumOnRandomCurves) {
  RandomStream random(1, RandomPurpose::test_data);
  for (int trial = 0; trial < 200; ++trial) {
    Curves curves(4);
    double largest_step = 0;
    for (auto& curve : curves) {
      RatePoint point{1 + static_cast<Index>(5 * random.uniform()), 20 * random.uniform()};
      for (int i = 0; i < 5; ++i) {
        curve.push_back(point);
        const double gain = point.error * random.uniform();
        largest_step = std::max(largest_step, gain);
        point = {point.bytes + 1 + static_cast<Index>(9 * random.uniform()), point.error - gain};
      }
    }
    const Index budget = 24 + static_cast<Index>(80 * random.uniform());
    const auto allocation = allocate(curves, budget);
    EXPECT_LE(allocation.bytes, budget);
    EXPECT_LE(allocation.error, best_error(curves, budget) + largest_step + 1e-12);
  }
}

TEST(Allocate, NamesTheSmallestSizeIfTheBudgetIsTooSmall) {
  const Curves curves = {{{10, 1.0}, {20, 0.5}}, {{5, 1.0}}};
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)allocate(curves, 14); }), "smallest encodings take 15");
  EXPECT_EQ(allocate(curves, 15).bytes, 15);
}

TEST(Allocate, RejectsACurveWithoutPoints) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)allocate(Curves(1), 14); }),
                  "every curve must have at least one point");
}

}  // namespace
}  // namespace loewner
