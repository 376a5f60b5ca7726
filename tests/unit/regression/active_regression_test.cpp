// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/active_regression.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::active_regression_test {
namespace {

// Returns rows of b and records the requests.
struct Labeler {
  const Matrix<double>& b;
  std::vector<Index> asked{};

  Matrix<double> operator()(std::span<const Index> rows) {
    asked.insert(asked.end(), rows.begin(), rows.end());
    return test::rows_of(b, rows);
  }
};

ActiveRegression active(const Matrix<double>& a, Labeler& labels, const ActiveRegressionOptions& options) {
  return active_lp_regression(RowMatrix(a.view()), std::ref(labels), options);
}

double best_objective(const Matrix<double>& a, const Matrix<double>& b, double p) {
  return lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p}).objectives[0];
}

double objective(const Matrix<double>& a, const Matrix<double>& b, const Matrix<double>& x, double p) {
  return test::norm_of_column(test::residual_of(a, b, x), 0, p);
}

TEST(ActiveRegression, ExactLabelsGiveTheExactSolutionForEverySample) {
  const auto a = test::coherent_matrix(800, 5, 1), truth = test::gaussian_matrix64(5, 2, 2),
             b = test::product64(a, truth);
  for (const double p : {1.0, 1.5, 2.0, 4.0}) {
    for (const auto scheme : {SamplingScheme::pivotal, SamplingScheme::poisson}) {
      Labeler labels{b};
      const auto result = active(a, labels, {.plan = {.norm_exponent = p, .budget = 40, .scheme = scheme}});
      EXPECT_LE(test::largest_difference(result.x, truth), 1e-10);
      EXPECT_EQ(result.fits[0].regression.rank, 5);
    }
  }
}

TEST(ActiveRegression, KeepsTheBudgetAndRequestsEachRowOnce) {
  const auto a = test::coherent_matrix(800, 5, 3), b = test::noisy_targets(a, 1, 4);
  for (const int runs : {1, 3, 7}) {
    Labeler labels{b};
    const auto result = active(a, labels, {.plan = {.budget = 200}, .runs = runs});
    const std::set<Index> distinct(labels.asked.begin(), labels.asked.end());
    EXPECT_EQ(distinct.size(), labels.asked.size());
    EXPECT_LE(labels.asked.size(), 200U);
    EXPECT_EQ(result.labeled_rows, labels.asked);
    EXPECT_EQ(result.fits.size(), static_cast<std::size_t>(runs));
  }
}

TEST(ActiveRegression, IsCloseToTheFitOfAllLabelsAndUniformSamplingIsNot) {
  const auto a = test::planted_matrix(4000, 5, 8, 5), b = test::noisy_targets(a, 2, 6);
  for (const double p : {1.0, 1.5, 3.0}) {
    Labeler labels{b}, uniform_labels{b};
    const auto lewis = active(a, labels, {.plan = {.norm_exponent = p, .budget = 300}});
    EXPECT_LT(objective(a, b, lewis.x, p), 1.1 * best_objective(a, b, p)) << "p = " << p;
  }
  // The coefficient of the first column is determined only by rows with a nonzero entry there.
  Labeler labels{b};
  const auto uniform = active(
      a, labels, {.plan = {.norm_exponent = 1, .budget = 100, .importance = LabelImportance::uniform, .seed = 3}});
  EXPECT_EQ(uniform.fits[0].regression.rank, 4);
}

TEST(ActiveRegression, ReturnsTheRunWithTheSmallestMedianDistance) {
  const auto a = test::planted_matrix(3000, 4, 40, 7), b = test::noisy_targets(a, 1, 8);
  const double best = best_objective(a, b, 1);
  int better = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Labeler labels{b};
    const auto result = active(a, labels, {.plan = {.budget = 210, .seed = 100 * seed}, .runs = 7});
    const double chosen = objective(a, b, result.x, 1) - best;
    double worst = 0;
    for (const auto& fit : result.fits) worst = std::max(worst, objective(a, b, fit.regression.x, 1) - best);
    EXPECT_LE(chosen, worst);
    better += chosen < 0.5 * worst;
  }
  EXPECT_GE(better, 15);
}

TEST(ActiveRegression, DropsLabelsThatNoGoodFitCanMeet) {
  const auto a = test::gaussian_matrix64(2000, 4, 9), truth = test::gaussian_matrix64(4, 1, 10);
  Matrix<double> b = test::product64(a, truth);
  RandomStream random(1, RandomPurpose::test_data);
  for (Index i = 0; i < 2000; ++i) b(i, 0) += 0.1 * random.normal();
  const auto plan = plan_labels(RowMatrix(a.view()), {.norm_exponent = 4, .budget = 200});
  auto labels = test::rows_of(b, plan.rows);
  labels(17, 0) += 1e4;
  const auto kept = fit_plan(RowMatrix(a.view()), plan, labels.view());
  const auto dropped = fit_plan(RowMatrix(a.view()), plan, labels.view(), {.unfittable_share = 1});
  EXPECT_EQ(kept.num_dropped[0], 0);
  EXPECT_EQ(dropped.num_dropped[0], 1);
  EXPECT_LT(test::largest_difference(dropped.regression.x, truth), 0.1);
  EXPECT_GT(test::largest_difference(kept.regression.x, truth), 10);
}

TEST(ActiveRegression, PlanFollowedByFitGivesTheSameSolution) {
  const auto a = test::coherent_matrix(600, 4, 11), b = test::noisy_targets(a, 2, 12);
  Labeler labels{b};
  const LabelPlanOptions options{.norm_exponent = 1.5, .budget = 50, .seed = 5};
  const auto at_once = active(a, labels, {.plan = options});
  const auto plan = parse_label_plan(to_csv(plan_labels(RowMatrix(a.view()), options)), "plan");
  const auto planned = test::rows_of(b, plan.rows);
  const auto fit = fit_plan(RowMatrix(a.view()), plan, planned.view());
  EXPECT_TRUE(test::same_bits(at_once.x, fit.regression.x));
}

TEST(ActiveRegression, SameBitsForAnyNumberOfThreads) {
  const auto a = test::coherent_matrix(3000, 4, 13), b = test::noisy_targets(a, 2, 14);
  const auto run = [&](int threads) {
    const test::ThreadCount scope(threads);
    Labeler labels{b};
    return active(a, labels, {.plan = {.norm_exponent = 1.5, .budget = 120}, .runs = 3}).x;
  };
  const auto one = run(1);
  EXPECT_TRUE(test::same_bits(one, run(2)));
  EXPECT_TRUE(test::same_bits(one, run(8)));
}

TEST(ActiveRegression, PassesOnExceptionsOfTheCallback) {
  const auto a = test::gaussian_matrix64(50, 3, 15);
  const LabelCallback broken = [](std::span<const Index>) -> Matrix<double> {
    throw std::runtime_error("no laboratory");
  };
  EXPECT_EQ(test::message_of<std::runtime_error>(
                [&] { (void)active_lp_regression(RowMatrix(a.view()), broken, {.plan = {.budget = 10}}); }),
            "no laboratory");
}

TEST(ActiveRegression, NamesTheRowOfANonFiniteLabel) {
  const auto a = test::gaussian_matrix64(50, 3, 16);
  Index bad = -1;
  const LabelCallback labels = [&](std::span<const Index> rows) {
    Matrix<double> values(static_cast<Index>(rows.size()), 1);
    values(4, 0) = std::nan("");
    bad = rows[4];
    return values;
  };
  const auto message = test::message_of<InvalidArgument>(
      [&] { (void)active_lp_regression(RowMatrix(a.view()), labels, {.plan = {.budget = 10}}); });
  EXPECT_EQ(message, "fit_plan: the label of row " + std::to_string(bad) + " must be finite, got nan");
}

TEST(ActiveRegression, RejectsWrongNumbersOfRunsAndLabels) {
  const auto a = test::gaussian_matrix64(50, 3, 17), b = test::noisy_targets(a, 1, 18);
  Labeler labels{b};
  EXPECT_THROW((void)active(a, labels, {.plan = {.budget = 0}}), InvalidArgument);
  EXPECT_THROW((void)active(a, labels, {.plan = {.budget = 10}, .runs = 2}), InvalidArgument);
  EXPECT_THROW((void)active(a, labels, {.plan = {.budget = 2}, .runs = 3}), InvalidArgument);
  const LabelCallback few = [](std::span<const Index>) { return Matrix<double>(1, 1); };
  EXPECT_THROW((void)active_lp_regression(RowMatrix(a.view()), few, {.plan = {.budget = 10}}), InvalidArgument);
  const auto plan = plan_labels(RowMatrix(a.view()), {.budget = 10});
  const Matrix<double> nine(9, 1), ten(10, 1), other = test::gaussian_matrix64(40, 3, 19);
  EXPECT_THROW((void)fit_plan(RowMatrix(a.view()), plan, nine.view()), InvalidArgument);
  EXPECT_THROW((void)fit_plan(RowMatrix(other.view()), plan, ten.view()), InvalidArgument);
}

TEST(ActiveRegression, RejectsInvalidPlans) {
  const auto a = test::gaussian_matrix64(50, 3, 22), b = test::noisy_targets(a, 1, 23);
  const auto message = [&](const LabelPlan& plan) {
    const Matrix<double> labels(static_cast<Index>(plan.rows.size()), 1);
    return test::message_of<InvalidArgument>([&] { (void)fit_plan(RowMatrix(a.view()), plan, labels.view()); });
  };
  EXPECT_CONTAINS(message({50, 1, {3, 3}, {0.5, 0.5}}), "must be ascending and in [0, 50)");
  EXPECT_CONTAINS(message({50, 1, {3, 50}, {0.5, 0.5}}), "must be ascending and in [0, 50)");
  EXPECT_CONTAINS(message({50, 1, {3, 4}, {0.5}}), "got 2 rows and 1 probabilities");
  EXPECT_CONTAINS(message({50, 1, {3, 4}, {0.5, 0.0}}), "must be in (0, 1], got 0");
  EXPECT_CONTAINS(message({50, 0.5, {3, 4}, {0.5, 0.5}}), "norm_exponent");
}

TEST(ActiveRegression, RankReportsFewerLabelsThanColumns) {
  const auto a = test::gaussian_matrix64(50, 6, 20), b = test::noisy_targets(a, 1, 21);
  Labeler labels{b};
  EXPECT_EQ(active(a, labels, {.plan = {.budget = 4}}).fits[0].regression.rank, 4);
}

}  // namespace
}  // namespace loewner::active_regression_test
