// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/online_regression.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::online_regression_test {
namespace {

OnlineActiveRegression stream(const Matrix<double>& a, const Matrix<double>& b,
                              const OnlineRegressionOptions& options) {
  OnlineActiveRegression online(a.cols(), options);
  for (Index i = 0; i < a.rows(); ++i) {
    if (online.offer(a.row(i))) online.add_label(b(i, 0));
  }
  return online;
}

double excess(const Matrix<double>& a, const Matrix<double>& b, const Matrix<double>& x, double p) {
  const auto best = lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p});
  return test::norm_of_column(test::residual_of(a, b, x), 0, p) / best.objectives[0] - 1;
}

TEST(OnlineActiveRegression, IsCloseToTheFitOfAllLabelsWithinTheBudget) {
  const auto a = test::planted_matrix(4000, 5, 8, 1), b = test::noisy_targets(a, 1, 2);
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const auto online = stream(a, b, {.norm_exponent = p, .budget = 400, .expected_rows = 4000});
    EXPECT_LE(online.labeled_rows().size(), 400U);
    EXPECT_GE(online.labeled_rows().size(), 80U);
    EXPECT_FALSE(online.exhausted());
    const auto fit = online.fit();
    EXPECT_EQ(fit.rank, 5);
    EXPECT_LT(excess(a, b, fit.x, p), 0.15) << "p = " << p;
  }
}

TEST(OnlineActiveRegression, AlwaysLabelsARowOutsideTheSpanOfEarlierRows) {
  auto a = test::gaussian_matrix64(3000, 3, 3);
  for (Index i = 0; i < 3000; ++i) a(i, 2) = i == 2000 ? 1e-3 : 0.0;
  const auto b = test::noisy_targets(a, 1, 4);
  const auto online = stream(a, b, {.budget = 100, .expected_rows = 3000});
  const auto& rows = online.labeled_rows();
  for (const Index row : {0, 1, 2000}) EXPECT_EQ(std::ranges::count(rows, row), 1) << row;
}

TEST(OnlineActiveRegression, ForTwoWeightsAreLeverageScoresAmongEarlierRows) {
  const auto a = test::gaussian_matrix64(600, 3, 5), b = test::noisy_targets(a, 1, 6);
  const OnlineRegressionOptions options{.norm_exponent = 2, .budget = 60, .expected_rows = 600};
  const auto online = stream(a, b, options);
  double factor = 0;  // the same for all rows with a probability below 1
  for (std::size_t k = 0; k < online.labeled_rows().size(); ++k) {
    const Index count = online.labeled_rows()[k] + 1;
    if (online.probabilities()[k] == 1) continue;
    std::vector<Index> prefix(count);
    std::iota(prefix.begin(), prefix.end(), Index{0});
    const auto basis = test::orthonormal_columns(test::rows_of(a, prefix));
    double leverage = 0;
    for (const double x : basis.row(count - 1)) leverage += x * x;
    if (factor == 0) factor = online.probabilities()[k] / leverage;
    EXPECT_NEAR(online.probabilities()[k], factor * leverage, 1e-8);
  }
}

TEST(OnlineActiveRegression, ReportsASpentBudgetAndKeepsIt) {
  const auto a = test::gaussian_matrix64(2000, 3, 7), b = test::noisy_targets(a, 1, 8);
  const auto online = stream(a, b, {.budget = 30, .expected_rows = 5});
  EXPECT_EQ(online.labeled_rows().size(), 30U);
  EXPECT_TRUE(online.exhausted());
}

// Rows of nearly nothing leave no trace, however small they are.
TEST(OnlineActiveRegression, RowsThatGrowOutOfTheRangeOfSquaresAreWeighedAsOthers) {
  const auto labeled = [](int exponent) {
    auto a = test::gaussian_matrix64(400, 3, 7);
    for (Index i = 0; i < 30; ++i) a.data()[i] = std::ldexp(a.data()[i], exponent);
    return stream(a, test::noisy_targets(a, 1, 8), {.budget = 60, .expected_rows = 400}).labeled_rows();
  };
  const auto rows = labeled(-150);
  EXPECT_LT(rows.size(), 60U);
  EXPECT_EQ(labeled(-900), rows);
}

TEST(OnlineActiveRegression, AcceptsZeroRowsAndCopies) {
  Matrix<double> a(500, 3);
  for (Index i = 100; i < 500; ++i) a(i, i % 2) = 1e4;
  const auto b = test::noisy_targets(a, 1, 9);
  const auto online = stream(a, b, {.budget = 50, .expected_rows = 500});
  EXPECT_EQ(online.labeled_rows().front(), 100);
  EXPECT_EQ(online.fit().rank, 2);
}

TEST(OnlineActiveRegression, WithoutRowsReturnsZero) {
  const OnlineActiveRegression online(3, {.budget = 5, .expected_rows = 10});
  const auto fit = online.fit();
  EXPECT_EQ(fit.rank, 0);
  for (Index k = 0; k < 3; ++k) EXPECT_EQ(fit.x(k, 0), 0);
}

TEST(OnlineActiveRegression, RejectsBadRowsLabelsAndOrder) {
  EXPECT_THROW(OnlineActiveRegression(3, {.budget = 0, .expected_rows = 10}), InvalidArgument);
  EXPECT_THROW(OnlineActiveRegression(3, {.norm_exponent = 0, .budget = 1, .expected_rows = 10}), InvalidArgument);
  OnlineActiveRegression online(2, {.budget = 5, .expected_rows = 10});
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { online.add_label(1); }), "must follow an offer");
  const std::vector<double> bad = {1, std::nan("")}, good = {1, 2}, wide = {1, 2, 3};
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)online.offer(bad); }),
                  "row 0 has a non-finite value at column 1");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)online.offer(wide); }), "2 entries, got 3");
  ASSERT_TRUE(online.offer(good));
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)online.offer(good); }), "label of row 0 must be added");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { online.add_label(std::nan("")); }),
                  "label of row 0 must be finite");
  EXPECT_THROW((void)online.fit(), InvalidArgument);
  online.add_label(1);
  EXPECT_NO_THROW((void)online.fit());
}

}  // namespace
}  // namespace loewner::online_regression_test
