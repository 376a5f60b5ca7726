// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/regression_data.hpp"

namespace loewner {
namespace {

constexpr int kSeeds = 300, kControlSeeds = 60;

// A problem with a known least objective.
struct Problem {
  Matrix<double> a, b;
  double p, best;

  explicit Problem(double exponent)
      : a(test::planted_matrix(2000, 5, 10, 1)), b(test::noisy_targets(a, 1, 2)), p(exponent) {
    best = lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p}).objectives[0];
  }

  double excess(LabelPlanOptions options) const {
    options.norm_exponent = p;
    const auto plan = plan_labels(RowMatrix(a.view()), options);
    const auto labels = test::rows_of(b, plan.rows);
    const auto fit = fit_plan(RowMatrix(a.view()), plan, labels.view(), {.tolerance = 1e-6});
    return test::norm_of_column(test::residual_of(a, b, fit.regression.x), 0, p) / best - 1;
  }

  int successes(LabelPlanOptions options, double epsilon, int seeds) const {
    int good = 0;
    for (int seed = 0; seed < seeds; ++seed) {
      options.seed = static_cast<std::uint64_t>(seed);
      good += excess(options) <= epsilon;
    }
    return good;
  }
};

// 150 of 2000 labels give an objective within 1 + 0.1 of the least with probability 0.9 over the seeds.
TEST(ActiveRegressionOf, SucceedsWithTheClaimedProbability) {
  for (const double p : {1.0, 1.5}) {
    const Problem problem(p);
    for (const auto scheme : {SamplingScheme::pivotal, SamplingScheme::poisson}) {
      const int good = problem.successes({.budget = 150, .scheme = scheme}, 0.1, kSeeds);
      EXPECT_GE(good, test::least_successes(kSeeds, 0.9)) << "p = " << p << ", " << good << " of " << kSeeds;
    }
  }
}

TEST(ActiveRegressionOf, UniformSamplingMissesTheClaimedProbability) {
  for (const double p : {1.0, 1.5}) {
    const Problem problem(p);
    const int good = problem.successes({.budget = 150, .importance = LabelImportance::uniform}, 0.1, kControlSeeds);
    EXPECT_LT(good, test::least_successes(kControlSeeds, 0.9)) << "p = " << p;
  }
}

// For 1 < p < 2 the error decreases like 1 / labels, not like 1 / labels^(1/2). Tested over a factor of 8, with slack
// for the median of 60.
TEST(ActiveRegressionOf, ErrorDecreasesLikeOneOverTheLabels) {
  const Problem problem(1.5);
  const auto median = [&](Index budget) {
    std::vector<double> errors;
    for (std::uint64_t seed = 0; seed < 60; ++seed) errors.push_back(problem.excess({.budget = budget, .seed = seed}));
    std::ranges::nth_element(errors, errors.begin() + 30);
    return errors[30];
  };
  const double slope = std::log(median(640) / median(80)) / std::log(8.0);
  EXPECT_LT(slope, -0.75);
  EXPECT_GT(slope, -1.6);
}

}  // namespace
}  // namespace loewner
