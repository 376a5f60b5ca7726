// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::lp_regression_test {
namespace {

using test::coherent_matrix;
using test::noisy_targets;
using test::norm_of_column;
using test::residual_of;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 1e-9;  // the default

RobustRegression fit(const Matrix<double>& a, const Matrix<double>& b, double p) {
  return lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p});
}

class LpRegressionFor : public testing::TestWithParam<double> {};

TEST_P(LpRegressionFor, ProvesItsOptimumOnGaussianAndCoherentDesigns) {
  const double p = GetParam();
  const Matrix<double> designs[] = {test::gaussian_matrix64(400, 9, 1), coherent_matrix(400, 9, 2)};
  for (const auto& a : designs) {
    const auto b = noisy_targets(a, 3, 3);
    const auto result = fit(a, b, p);
    const auto r = residual_of(a, b, result.x);
    for (Index j = 0; j < 3; ++j) {
      EXPECT_EQ(result.statuses[j], Status::converged);
      EXPECT_LE(result.objectives[j] - result.lower_bounds[j], kTolerance * result.objectives[j]);
      EXPECT_NEAR(result.objectives[j], norm_of_column(r, j, p), 1e-12 * result.objectives[j]);
    }
  }
}

TEST_P(LpRegressionFor, NoPointNearbyIsBelowTheLowerBound) {
  const double p = GetParam();
  const auto a = coherent_matrix(200, 4, 4), b = noisy_targets(a, 1, 5);
  const auto result = fit(a, b, p);
  RandomStream random(1, RandomPurpose::test_data, 9);
  for (int trial = 0; trial < 300; ++trial) {
    Matrix<double> x = result.x.clone();
    for (Index k = 0; k < 4; ++k) x(k, 0) += std::pow(10.0, -1 - trial % 8) * random.normal();
    EXPECT_GE(norm_of_column(residual_of(a, b, x), 0, p), result.lower_bounds[0] * (1 - 1e-13));
  }
}

TEST_P(LpRegressionFor, GapIsLargeWithoutIterations) {  // the negative control of the bounds
  const double p = GetParam();
  if (p == 2) GTEST_SKIP() << "the start is the solution";
  const auto a = coherent_matrix(200, 4, 4), b = noisy_targets(a, 1, 5);
  const auto result =
      lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p, .tolerance = 1e-7, .max_iterations = 0});
  EXPECT_EQ(result.statuses[0], Status::max_iterations);
  EXPECT_GT(result.objectives[0] - result.lower_bounds[0], 1e-4 * result.objectives[0]);
  EXPECT_GE(result.objectives[0], fit(a, b, p).lower_bounds[0]);
}

TEST_P(LpRegressionFor, WeightTwoEqualsARepeatedRow) {
  const double p = GetParam();
  if (std::isinf(p)) GTEST_SKIP() << "weights multiply residuals there";
  const auto a = test::gaussian_matrix64(60, 3, 6), b = noisy_targets(a, 1, 7);
  Matrix<double> twice(80, 3), b_twice(80, 1);
  std::vector<double> weights(60, 1.0);
  for (Index i = 0; i < 80; ++i) {
    const Index row = i < 60 ? i : i - 60;
    std::ranges::copy(a.row(row), twice.row(i).begin());
    b_twice(i, 0) = b(row, 0);
    if (i >= 60) weights[row] = 2;
  }
  weights[50] = 0;  // weight 0 equals a row of zeros
  std::ranges::fill(twice.row(50), 0.0);
  b_twice(50, 0) = 0;
  const auto weighted = lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p, .row_weights = weights});
  EXPECT_NEAR(weighted.objectives[0] / fit(twice, b_twice, p).objectives[0], 1, 2 * kTolerance);
}

TEST_P(LpRegressionFor, FitsExactTargetsExactly) {
  const double p = GetParam();
  const auto a = coherent_matrix(50, 5, 8), truth = test::gaussian_matrix64(5, 2, 9), b = test::product64(a, truth);
  const auto result = fit(a, b, p);
  EXPECT_TRUE(result.converged());
  EXPECT_LE(test::largest_difference(result.x, truth), 1e-11);
}

TEST_P(LpRegressionFor, DoesNotDependOnTheScalesOfColumnsAndTargets) {
  const double p = GetParam();
  const auto a = test::gaussian_matrix64(80, 4, 10), b = noisy_targets(a, 1, 11);
  Matrix<double> scaled = a.clone(), b_scaled = b.clone();
  const double factors[] = {0x1p60, 0x1p-60, 1e4, 1e-4};
  for (Index i = 0; i < 80; ++i) {
    for (Index j = 0; j < 4; ++j) scaled(i, j) *= factors[j];
    b_scaled(i, 0) *= 0x1p-400;
  }
  const auto plain = fit(a, b, p), odd = fit(scaled, b_scaled, p);
  EXPECT_EQ(odd.rank, 4);
  EXPECT_NEAR(odd.objectives[0] * 0x1p400 / plain.objectives[0], 1, 2 * kTolerance);
}

TEST_P(LpRegressionFor, NumbersNearOverflowAndUnderflowGiveFiniteSolutions) {
  const double p = GetParam();
  auto a = test::gaussian_matrix64(40, 3, 41);
  auto b = test::gaussian_matrix64(40, 4, 42);
  for (Index i = 0; i < 40; ++i) {
    a(i, 1) *= 1e-150;
    b(i, 1) *= 1e-310;
    b(i, 2) *= 1e150;
    b(i, 3) = i == 7 ? 1e150 : 0.0;
  }
  const auto result = fit(a, b, p);
  for (Index j = 0; j < 4; ++j) {
    EXPECT_TRUE(std::isfinite(result.objectives[j])) << j;
    EXPECT_LE(result.lower_bounds[j], result.objectives[j]);
  }
  EXPECT_EQ(result.statuses[0], Status::converged);
}

TEST_P(LpRegressionFor, ReportsRankDeficiencyAndSolvesTheProblem) {
  const double p = GetParam();
  const auto a = coherent_matrix(80, 3, 12), b = noisy_targets(a, 2, 13);
  Matrix<double> wide(82, 5), b_wide(82, 2);  // a copy of a column, a column and two rows of zeros
  for (Index i = 0; i < 80; ++i) {
    for (const Index j : {0, 1, 2, 3}) wide(i, j) = a(i, j % 3);
    for (Index j = 0; j < 2; ++j) b_wide(i, j) = b(i, j);
  }
  const auto result = fit(wide, b_wide, p), expected = fit(a, b, p);
  EXPECT_EQ(result.rank, 3);
  EXPECT_TRUE(result.converged());
  for (Index j = 0; j < 2; ++j) {
    EXPECT_NEAR(result.objectives[j] / expected.objectives[j], 1, 2 * kTolerance);
    EXPECT_EQ(result.x(4, j), 0);
    EXPECT_NEAR(result.x(0, j), result.x(3, j), 1e-10 * std::abs(result.x(0, j)));
  }
}

TEST_P(LpRegressionFor, DegenerateShapesHaveFiniteSolutions) {
  const double p = GetParam();
  for (const auto& [n, d] : {std::pair<Index, Index>{3, 7}, {5, 5}, {6, 5}, {4, 0}, {0, 3}, {1, 1}}) {
    const auto a = test::gaussian_matrix64(n, d, 14), b = test::gaussian_matrix64(n, 2, 15);
    const auto result = fit(a, b, p);
    ASSERT_EQ(result.x.rows(), d);
    EXPECT_EQ(result.rank, std::min(n, d));
    EXPECT_TRUE(result.converged()) << n << " x " << d;
    for (Index k = 0; k < 2 * d; ++k) EXPECT_TRUE(std::isfinite(result.x.data()[k]));
    if (n <= d) {
      EXPECT_LE(result.objectives[0], 1e-12);
    }
  }
  EXPECT_EQ(fit(test::gaussian_matrix64(5, 2, 16), Matrix<double>(5, 0), p).x.cols(), 0);
}

TEST_P(LpRegressionFor, ConvergesOnTiedIntegers) {
  const double p = GetParam();
  Matrix<double> a = test::gaussian_matrix64(120, 4, 17), b = noisy_targets(a, 3, 18);
  for (Matrix<double>* m : {&a, &b}) {
    for (Index i = 0; i < m->rows() * m->cols(); ++i) m->data()[i] = std::round(m->data()[i]);
  }
  EXPECT_TRUE(fit(a, b, p).converged());
}

TEST_P(LpRegressionFor, SameBitsForAnyNumberOfThreads) {
  const double p = GetParam();
  const auto a = coherent_matrix(3000, 6, 19), b = noisy_targets(a, 5, 20);
  const auto run = [&](int threads) {
    const test::ThreadCount scope(threads);
    return fit(a, b, p).x;
  };
  const auto one = run(1);
  EXPECT_TRUE(test::same_bits(one, run(2)));
  EXPECT_TRUE(test::same_bits(one, run(8)));
}

TEST_P(LpRegressionFor, SolvesColumnsTogetherAsWellAsOneByOne) {  // by conjugate gradients and by factorization
  const double p = GetParam();
  const auto a = test::gaussian_matrix64(300, 60, 21), b = noisy_targets(a, 6, 22);
  const auto together = fit(a, b, p);
  Matrix<double> single(300, 1);
  for (Index i = 0; i < 300; ++i) single(i, 0) = b(i, 4);
  EXPECT_NEAR(fit(a, single, p).objectives[0] / together.objectives[4], 1, kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Exponents, LpRegressionFor,
                         testing::Values(1.0, 1.1, 1.5, 2.0, 3.0, 4.0, 8.0, 20.0, kInfinity));

TEST(LpRegression, Float32AndSparseRowsGiveTheSameBits) {
  const auto a = test::sparse_gaussian(100, 6, 0.5, 27);
  const auto wide = test::widened(a), b = noisy_targets(wide, 1, 28);
  const auto sparse = test::to_csr<float>(a);
  const auto expected = fit(wide, b, 1).x;
  EXPECT_TRUE(test::same_bits(lp_regression(RowMatrix(a.view()), b.view()).x, expected));
  EXPECT_TRUE(test::same_bits(lp_regression(RowMatrix(sparse.view()), b.view()).x, expected));
}

TEST(LpRegression, RejectsBadArgumentsByName) {
  auto a = test::gaussian_matrix64(10, 2, 29);
  const auto b = test::gaussian_matrix64(10, 1, 30);
  const auto message = [&](const LpRegressionOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)lp_regression(RowMatrix(a.view()), b.view(), options); });
  };
  EXPECT_CONTAINS(message({.norm_exponent = 0.5}), "norm_exponent must be at least 1, got 0.5");
  EXPECT_CONTAINS(message({.norm_exponent = std::nan("")}), "norm_exponent must be at least 1, got nan");
  EXPECT_CONTAINS(message({.tolerance = -1}), "tolerance");
  const std::vector<double> negative(10, -1.0);
  EXPECT_CONTAINS(message({.row_weights = negative}), "for row 0");
  a(4, 1) = kInfinity;
  EXPECT_CONTAINS(message({}), "row 4, column 1");
  a(4, 1) = 0;
  Matrix<double> bad(10, 1);
  bad(7, 0) = std::nan("");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)lp_regression(RowMatrix(a.view()), bad.view()); }),
                  "row 7, column 0");
  const Matrix<double> few(9, 1);
  EXPECT_THROW((void)lp_regression(RowMatrix(a.view()), few.view()), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lp_regression_test
