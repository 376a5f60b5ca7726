// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/label_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "support/regression_data.hpp"

namespace loewner {
namespace {

LabelPlan plan(const Matrix<double>& a, const LabelPlanOptions& options) {
  return plan_labels(RowMatrix(a.view()), options);
}

TEST(LabelPlan, WeightsSumToTheNumberOfRowsInTheMean) {
  const auto a = test::coherent_matrix(500, 4, 9);
  double total = 0;
  const int seeds = 200;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto weights = plan(a, {.norm_exponent = 1.5, .budget = 100, .seed = seed}).weights();
    total += std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  EXPECT_NEAR(total / seeds / 500, 1, 0.1);
}

TEST(LabelPlan, PoissonSamplingMeetsTheBudgetInTheMean) {
  const auto a = test::coherent_matrix(500, 4, 2);
  double total = 0;
  const int seeds = 200;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto chosen = plan(a, {.budget = 60, .scheme = SamplingScheme::poisson, .seed = seed});
    const auto count = static_cast<double>(chosen.rows.size());
    EXPECT_LE(std::abs(count - 60), 6 * std::sqrt(60.0));  // standard deviation at most sqrt(60)
    total += count;
  }
  EXPECT_NEAR(total / seeds, 60, 5 * std::sqrt(60.0 / seeds));
}

// How often each row was chosen against its probability, in standard deviations; the largest of 300 normal variables
// exceeds 5.2 with probability 1e-4.
double largest_deviation(SamplingScheme scheme, const std::function<double(double)>& claimed) {
  const auto a = test::coherent_matrix(300, 3, 3);
  const int seeds = 2000;
  std::vector<double> counts(300, 0.0), probabilities(300, 0.0);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto chosen = plan(a, {.norm_exponent = 1.5, .budget = 30, .scheme = scheme, .seed = seed});
    for (std::size_t i = 0; i < chosen.rows.size(); ++i) {
      counts[chosen.rows[i]] += 1;
      probabilities[chosen.rows[i]] = chosen.probabilities[i];
    }
  }
  double largest = 0;
  for (Index i = 0; i < 300; ++i) {
    const double q = claimed(probabilities[i]);
    if (q * seeds < 5) continue;
    largest = std::max(largest, std::abs(counts[i] - seeds * q) / std::sqrt(seeds * q * (1 - q) + 1e-9));
  }
  return largest;
}

TEST(LabelPlan, RowsAreChosenWithTheStatedProbabilities) {
  for (const auto scheme : {SamplingScheme::pivotal, SamplingScheme::poisson}) {
    EXPECT_LT(largest_deviation(scheme, [](double q) { return q; }), 5.2);
    EXPECT_GT(largest_deviation(scheme, [](double q) { return 0.8 * q; }),
              5.2);  // the test detects a deviation of a fifth
  }
}

}  // namespace
}  // namespace loewner
