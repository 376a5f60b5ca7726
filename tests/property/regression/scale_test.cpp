// SPDX-License-Identifier: Apache-2.0
// The solvers of regression on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/regression/active_regression.hpp"
#include "loewner/regression/label_plan.hpp"
#include "loewner/regression/loss_sensitivities.hpp"
#include "loewner/regression/lp_regression.hpp"
#include "loewner/regression/online_regression.hpp"
#include "loewner/regression/shrunk_regression.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& design() {
  static const Matrix<float> a = gaussian_matrix({80, 4, 1});
  return a;
}
const Matrix<float>& targets() {
  static const Matrix<float> b = gaussian_matrix({80, 1, 2});
  return b;
}

Findings of(const RobustRegression& found, double degree_of_x, double degree) {
  return Findings()
      .add("x", found.x, degree_of_x, 1e-3)
      .add("objective", found.objectives, degree, 1e-3)
      .add("bound", found.lower_bounds, degree, 1e-3)
      .add_count("rank", found.rank);
}

// A sample of rows is a step function of its input, so that other rounding errors may choose other rows.
double power_of_two_near(double factor) {
  return std::exp2(std::round(std::log2(factor)));
}

Findings regression(double p, double of_a, double of_b, double degree_of_x = 0) {
  const Matrix<double> a = times_wide(design(), of_a), b = times_wide(targets(), of_b);
  const auto found = lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p, .tolerance = 1e-6});
  return of(found, degree_of_x, degree_of_x + 1);
}

// The metric is of the size of A^T A.
Findings shrunk(double of_a, double of_b, double degree_of_x) {
  const Matrix<double> a = times_wide(design(), of_a), b = times_wide(targets(), of_b);
  Matrix<double> metric(4, 4);
  for (Index i = 0; i < 4; ++i) metric(i, i) = 80 * of_a * of_a;
  const ShrunkRegression found = shrunk_regression(a.view(), b.view(), metric.view());
  return Findings().add("x", found.x, degree_of_x, 1e-3).add("shrinkage", found.shrinkage, 0, 1e-3);
}

std::vector<ScaleCase> cases() {
  return {
      {"lp_regression/1", [](double factor) { return regression(1, factor, factor); }, false},
      {"lp_regression/1.5", [](double factor) { return regression(1.5, factor, factor); }, false},
      {"lp_regression/4", [](double factor) { return regression(4, factor, factor); }, false},
      {"lp_regression/inf", [](double factor) { return regression(HUGE_VAL, factor, factor); }, false},
      {"lp_regression/matrix", [](double factor) { return regression(1, factor, 1, -1); }, false},
      {"huber_regression",
       [](double factor) {
         const Matrix<double> a = times_wide(design(), factor), b = times_wide(targets(), factor);
         return of(huber_regression(RowMatrix(a.view()), b.view(), {.scale = 0.5 * factor}), 0, 2);
       },
       false},
      {"plan_labels",
       [](double factor) {
         const Matrix<double> a = times_wide(design(), power_of_two_near(factor));
         const LabelPlan plan = plan_labels(RowMatrix(a.view()), {.budget = 20});
         return Findings()
             .add("rows", std::vector<double>(plan.rows.begin(), plan.rows.end()), 0, 0)
             .add("probabilities", plan.probabilities, 0);
       },
       false},
      {"fit_plan",
       [](double factor) {
         const Matrix<double> a = times_wide(design(), factor), b = times_wide(targets(), factor);
         const LabelPlan plan = plan_labels(RowMatrix(design().view()), {.budget = 30});
         Matrix<double> labels(static_cast<Index>(plan.rows.size()), 1);
         for (Index i = 0; i < labels.rows(); ++i) labels(i, 0) = b(plan.rows[i], 0);
         return of(fit_plan(RowMatrix(a.view()), plan, labels.view()).regression, 0, 1);
       },
       false},
      {"active_lp_regression",
       [](double factor) {
         const double power = power_of_two_near(factor);
         const Matrix<double> a = times_wide(design(), power), b = times_wide(targets(), power);
         const LabelCallback ask = [&](std::span<const Index> rows) {
           Matrix<double> labels(static_cast<Index>(rows.size()), 1);
           for (std::size_t i = 0; i < rows.size(); ++i) labels(static_cast<Index>(i), 0) = b(rows[i], 0);
           return labels;
         };
         return Findings().add("x", active_lp_regression(RowMatrix(a.view()), ask, {.plan = {.budget = 30}}).x, 0,
                               1e-3);
       },
       false},
      {"loss_sensitivities",
       [](double factor) {
         const Matrix<double> a = times_wide(design(), factor);
         return Findings().add("bounds", loss_sensitivities(RowMatrix(a.view()), 1), 0, 1e-3);
       },
       false},
      {"OnlineActiveRegression",
       [](double factor) {
         const Matrix<double> a = times_wide(design(), factor), b = times_wide(targets(), factor);
         OnlineActiveRegression online(4, {.budget = 40, .expected_rows = 80});
         for (Index i = 0; i < a.rows(); ++i) {
           if (online.offer(a.row(i))) online.add_label(b(i, 0));
         }
         return Findings().add("probabilities", online.probabilities(), 0, 1e-3).add("x", online.fit().x, 0, 1e-3);
       },
       false},
      {"shrunk_regression/targets", [](double factor) { return shrunk(1, factor, 1); }, false},
      {"shrunk_regression/both", [](double factor) { return shrunk(factor, factor, 0); }},
  };
}

class RegressionScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(RegressionScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, RegressionScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
