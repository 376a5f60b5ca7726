// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/dimension_budget.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace loewner {
namespace {

// The least squared error within the budget, over all pairs of dimensions of two clusters.
double exhaustive(const std::vector<ClusterSpectrum>& clusters, Index d, Index max_numbers) {
  double best = std::numeric_limits<double>::infinity();
  for (Index j0 = 0; j0 <= d; ++j0) {
    for (Index j1 = 0; j1 <= d; ++j1) {
      if (j0 * (clusters[0].rows + d) + j1 * (clusters[1].rows + d) > max_numbers) continue;
      double error = 0;
      for (Index i = j0; i < d; ++i) error += clusters[0].eigenvalues[i];
      for (Index i = j1; i < d; ++i) error += clusters[1].eigenvalues[i];
      best = std::min(best, error);
    }
  }
  return best;
}

const std::vector<ClusterSpectrum> kTwo{{.rows = 10, .eigenvalues = {9, 4, 1, 0.5, 0.25}},
                                        {.rows = 40, .eigenvalues = {30, 20, 12, 2, 1}}};

TEST(DimensionBudget, IsWithinOneDimensionsGainOfExhaustiveSearch) {
  for (Index budget = 0; budget <= 5 * (15 + 45); ++budget) {
    const auto spent = spend_on_dimensions(kTwo, 5, budget);
    const double best = exhaustive(kTwo, 5, budget);
    EXPECT_LE(spent.numbers, budget);
    EXPECT_GE(spent.squared_error, best - 1e-12);
    EXPECT_LE(spent.squared_error, best + spent.price * 45) << budget;  // the dearest dimension has 45 numbers
  }
}

TEST(DimensionBudget, CountsCoordinatesAndBases) {
  const auto spent = spend_on_dimensions(kTwo, 5, 100);
  EXPECT_EQ(spent.numbers, spent.dimensions[0] * 15 + spent.dimensions[1] * 45);
}

TEST(DimensionBudget, OneClusterGetsTheLargestRankThatFits) {
  const std::vector<ClusterSpectrum> one{{.rows = 20, .eigenvalues = {5, 4, 3, 2, 1}}};
  const auto spent = spend_on_dimensions(one, 5, 3 * 25 + 24);
  EXPECT_EQ(spent.dimensions, std::vector<Index>{3});
  EXPECT_DOUBLE_EQ(spent.squared_error, 3);
  EXPECT_DOUBLE_EQ(spent.price, 2.0 / 25);
}

TEST(DimensionBudget, ExampleOfThePaperTakes120Numbers) {  // 20 x 10 in two subspaces of dimension 3
  const std::vector<ClusterSpectrum> toy{{.rows = 12, .eigenvalues = {3, 2, 1}}, {.rows = 8, .eigenvalues = {3, 2, 1}}};
  const auto spent = spend_on_dimensions(toy, 10, 120);
  EXPECT_EQ(spent.dimensions, (std::vector<Index>{3, 3}));
  EXPECT_EQ(spent.numbers, 120);
}

TEST(DimensionBudget, AddsNoDimensionWithoutGain) {
  const std::vector<ClusterSpectrum> flat{{.rows = 4, .eigenvalues = {1, 0, 0}}, {.rows = 0, .eigenvalues = {}}};
  const auto spent = spend_on_dimensions(flat, 3, 1000);
  EXPECT_EQ(spent.dimensions, (std::vector<Index>{1, 0}));
  EXPECT_EQ(spent.price, 0);
  EXPECT_EQ(spend_on_dimensions(flat, 3, 0).squared_error, 1);
}

}  // namespace
}  // namespace loewner
