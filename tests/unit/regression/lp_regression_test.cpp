// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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

// ---- the oracle: all vertices of small problems ----

// Solves a k x k system by Gaussian elimination with pivoting; empty where it is singular.
std::vector<double> solve_square(Matrix<double> a, std::vector<double> b) {
  const Index k = a.rows();
  for (Index col = 0; col < k; ++col) {
    Index pivot = col;
    for (Index i = col; i < k; ++i) pivot = std::abs(a(i, col)) > std::abs(a(pivot, col)) ? i : pivot;
    if (std::abs(a(pivot, col)) < 1e-12) return {};
    std::swap_ranges(a.row(col).begin(), a.row(col).end(), a.row(pivot).begin());
    std::swap(b[col], b[pivot]);
    for (Index i = 0; i < k; ++i) {
      if (i == col) continue;
      const double factor = a(i, col) / a(col, col);
      for (Index j = col; j < k; ++j) a(i, j) -= factor * a(col, j);
      b[i] -= factor * b[col];
    }
  }
  for (Index i = 0; i < k; ++i) b[i] /= a(i, i);
  return b;
}

// Calls body(subset) for all subsets of `count` of the rows 0 ... n - 1.
template <typename Body>
void for_each_subset(Index n, Index count, Body&& body) {
  std::vector<Index> subset(count);
  std::iota(subset.begin(), subset.end(), Index{0});
  for (;;) {
    body(subset);
    Index k = count;
    while (k > 0 && subset[k - 1] == n - count + k - 1) --k;
    if (k == 0) return;
    ++subset[k - 1];
    for (Index j = k; j < count; ++j) subset[j] = subset[j - 1] + 1;
  }
}

// Some minimiser of the l_1 norm interpolates d rows.
double least_l1(const Matrix<double>& a, const Matrix<double>& b) {
  double best = kInfinity;
  for_each_subset(a.rows(), a.cols(), [&](const std::vector<Index>& rows) {
    Matrix<double> square(a.cols(), a.cols()), x(a.cols(), 1);
    std::vector<double> values;
    for (Index k = 0; k < a.cols(); ++k) {
      std::ranges::copy(a.row(rows[k]), square.row(k).begin());
      values.push_back(b(rows[k], 0));
    }
    const auto solved = solve_square(square.clone(), values);
    if (solved.empty()) return;
    std::ranges::copy(solved, x.data());
    best = std::min(best, norm_of_column(residual_of(a, b, x), 0, 1));
  });
  return best;
}

// The least maximum is the largest of those of d + 1 rows, each of which is |m^T b| / ||m||_1 for the m with m^T A = 0.
double least_maximum(const Matrix<double>& a, const Matrix<double>& b) {
  double best = 0;
  const Index d = a.cols();
  for_each_subset(a.rows(), d + 1, [&](const std::vector<Index>& rows) {
    Matrix<double> transposed(d, d);
    std::vector<double> last(a.row(rows[d]).begin(), a.row(rows[d]).end());
    for (Index k = 0; k < d; ++k) {
      for (Index j = 0; j < d; ++j) transposed(j, k) = a(rows[k], j);
    }
    auto weights = solve_square(transposed.clone(), last);
    if (weights.empty()) return;
    double product = -b(rows[d], 0), sum = 1;
    for (Index k = 0; k < d; ++k) {
      product += weights[k] * b(rows[k], 0);
      sum += std::abs(weights[k]);
    }
    best = std::max(best, std::abs(product) / sum);
  });
  return best;
}

TEST(LpRegression, ForOneIsTheBestOfAllVertices) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto a = coherent_matrix(14, 3, seed), b = noisy_targets(a, 1, seed);
    EXPECT_NEAR(fit(a, b, 1).objectives[0] / least_l1(a, b), 1, 1e-12) << "seed " << seed;
  }
}

TEST(LpRegression, ForInfinityIsTheHighestReference) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto a = coherent_matrix(12, 3, seed), b = noisy_targets(a, 1, seed);
    EXPECT_NEAR(fit(a, b, kInfinity).objectives[0] / least_maximum(a, b), 1, 1e-12) << "seed " << seed;
  }
}

TEST(LpRegression, OnAConstantIsTheMedianTheMeanAndTheMidrange) {
  Matrix<double> ones(7, 1), b(7, 1);
  const double values[] = {3, -1, 8, 2, 2.5, 100, 0};
  for (Index i = 0; i < 7; ++i) ones(i, 0) = 1, b(i, 0) = values[i];
  EXPECT_NEAR(fit(ones, b, 1).x(0, 0), 2.5, 1e-12);
  EXPECT_NEAR(fit(ones, b, 2).x(0, 0), 114.5 / 7, 1e-12);
  EXPECT_NEAR(fit(ones, b, kInfinity).x(0, 0), 49.5, 1e-12);
  const std::vector<double> weights = {1, 1, 9, 1, 1, 1, 1};  // of the median: 8
  const auto weighted = lp_regression(RowMatrix(ones.view()), b.view(), {.norm_exponent = 1, .row_weights = weights});
  EXPECT_NEAR(weighted.x(0, 0), 8, 1e-12);
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

TEST_P(LpRegressionFor, WithoutIterationsTheGapIsSeen) {  // the negative control of the bounds
  const double p = GetParam();
  if (p == 2) GTEST_SKIP() << "the start is the solution";
  const auto a = coherent_matrix(200, 4, 4), b = noisy_targets(a, 1, 5);
  const auto result =
      lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p, .tolerance = 1e-7, .max_iterations = 0});
  EXPECT_EQ(result.statuses[0], Status::max_iterations);
  EXPECT_GT(result.objectives[0] - result.lower_bounds[0], 1e-4 * result.objectives[0]);
  EXPECT_GE(result.objectives[0], fit(a, b, p).lower_bounds[0]);
}

TEST_P(LpRegressionFor, WeightsOfTwoAreRowsTwice) {
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
  weights[50] = 0;  // and none: as a row of zeros
  std::ranges::fill(twice.row(50), 0.0);
  b_twice(50, 0) = 0;
  const auto weighted = lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p, .row_weights = weights});
  EXPECT_NEAR(weighted.objectives[0] / fit(twice, b_twice, p).objectives[0], 1, 2 * kTolerance);
}

TEST_P(LpRegressionFor, ExactTargetsAreFittedExactly) {
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

TEST_P(LpRegressionFor, NumbersAtTheEdgesOfTheRangeEndInFiniteSolutions) {
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

TEST_P(LpRegressionFor, RankDeficiencyIsReportedAndNoObstacle) {
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

TEST_P(LpRegressionFor, TiesOfIntegersAreNoObstacle) {
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

TEST_P(LpRegressionFor, SolvesColumnsTogetherAsAlone) {  // by conjugate gradients and by factorisation
  const double p = GetParam();
  const auto a = test::gaussian_matrix64(300, 60, 21), b = noisy_targets(a, 6, 22);
  const auto together = fit(a, b, p);
  Matrix<double> single(300, 1);
  for (Index i = 0; i < 300; ++i) single(i, 0) = b(i, 4);
  EXPECT_NEAR(fit(a, single, p).objectives[0] / together.objectives[4], 1, kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Exponents, LpRegressionFor,
                         testing::Values(1.0, 1.1, 1.5, 2.0, 3.0, 4.0, 8.0, 20.0, kInfinity));

TEST(LpRegression, TallProblemsAreSolvedExactlyFromTheRowsThatASampleLeavesOpen) {
  const auto a = coherent_matrix(30000, 3, 23), b = noisy_targets(a, 2, 24);
  const auto result = fit(a, b, 1);
  for (Index j = 0; j < 2; ++j) {
    EXPECT_LE(result.objectives[j] - result.lower_bounds[j], 1e-13 * result.objectives[j]);
  }
}

// In some of so many columns the sample misleads.
TEST(LpRegression, TallProblemsAreSolvedExactlyWhereASampleMisleads) {
  const auto a = test::gaussian_matrix64(6000, 2, 35), b = noisy_targets(a, 150, 36);
  const auto result = fit(a, b, 1);
  for (Index j = 0; j < 150; ++j) {
    EXPECT_LE(result.objectives[j] - result.lower_bounds[j], 1e-13 * result.objectives[j]) << j;
  }
}

// Nine rows of ten have residual 0: exchanges among them lead nowhere.
TEST(LpRegression, ForOneRecoversWhatMostRowsFitExactly) {
  const auto a = test::gaussian_matrix64(20000, 30, 37), truth = test::gaussian_matrix64(30, 1, 38);
  const auto errors = test::gaussian_matrix64(2000, 1, 39);
  Matrix<double> b = test::product64(a, truth);
  for (Index i = 0; i < 2000; ++i) b(10 * i, 0) += 10 * errors(i, 0);
  const auto result = fit(a, b, 1);
  EXPECT_TRUE(result.converged());
  EXPECT_LT(result.iterations, 200);
  EXPECT_LE(test::largest_difference(result.x, truth), 1e-9);
}

TEST(LpRegression, ForOneIgnoresGrossErrorsThatRuinLeastSquares) {
  const auto a = test::gaussian_matrix64(200, 5, 25), truth = test::gaussian_matrix64(5, 1, 26);
  Matrix<double> b = test::product64(a, truth);
  for (Index i = 0; i < 60; ++i) b(3 * i, 0) += 1e6;
  EXPECT_LE(test::largest_difference(fit(a, b, 1).x, truth), 1e-9);
  EXPECT_GE(test::largest_difference(fit(a, b, 2).x, truth), 1e3);
}

TEST(LpRegression, ReadsSingleAndSparseRowsAlike) {
  const auto a = test::sparse_gaussian(100, 6, 0.5, 27);
  const auto wide = test::widened(a), b = noisy_targets(wide, 1, 28);
  const auto sparse = test::to_csr<float>(a);
  const auto expected = fit(wide, b, 1).x;
  EXPECT_TRUE(test::same_bits(lp_regression(RowMatrix(a.view()), b.view()).x, expected));
  EXPECT_TRUE(test::same_bits(lp_regression(RowMatrix(sparse.view()), b.view()).x, expected));
}

TEST(LpRegression, NamesWhatIsWrong) {
  auto a = test::gaussian_matrix64(10, 2, 29);
  const auto b = test::gaussian_matrix64(10, 1, 30);
  const auto message = [&](const LpRegressionOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)lp_regression(RowMatrix(a.view()), b.view(), options); });
  };
  EXPECT_CONTAINS(message({.norm_exponent = 0.5}), "must be >= 1, got 0.5");
  EXPECT_CONTAINS(message({.norm_exponent = std::nan("")}), "must be >= 1, got nan");
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

// ---- Huber ----

TEST(HuberRegression, ProvesItsOptimum) {
  const auto a = coherent_matrix(300, 6, 31), b = noisy_targets(a, 3, 32);
  for (const double c : {1e-2, 1.0, 100.0}) {
    const auto result = huber_regression(RowMatrix(a.view()), b.view(), {.scale = c});
    EXPECT_TRUE(result.converged()) << "c = " << c;
  }
}

TEST(HuberRegression, IsLeastSquaresForALargeScale) {
  const auto a = test::gaussian_matrix64(100, 4, 33), b = noisy_targets(a, 2, 34);
  const auto huber = huber_regression(RowMatrix(a.view()), b.view(), {.scale = 1e6}), squares = fit(a, b, 2);
  EXPECT_LE(test::largest_difference(huber.x, squares.x), 1e-12);
  EXPECT_NEAR(huber.objectives[0], squares.objectives[0] * squares.objectives[0] / 2, 1e-9 * huber.objectives[0]);
}

TEST(HuberRegression, IsTheLeastSumOfSizesForASmallScale) {
  const auto a = test::gaussian_matrix64(100, 4, 33), b = noisy_targets(a, 1, 34);
  const double c = 1e-6;
  const auto huber = huber_regression(RowMatrix(a.view()), b.view(), {.scale = c});
  const double sum = fit(a, b, 1).objectives[0];
  EXPECT_NEAR(huber.objectives[0] / (c * sum), 1, 100 * c / sum);
}

TEST(HuberRegression, TakesRowWeights) {
  const auto a = test::gaussian_matrix64(60, 3, 35), b = noisy_targets(a, 1, 36);
  const std::vector<double> twos(60, 2.0);
  const auto plain = huber_regression(RowMatrix(a.view()), b.view());
  const auto weighted = huber_regression(RowMatrix(a.view()), b.view(), {.row_weights = twos});
  EXPECT_NEAR(weighted.objectives[0] / (2 * plain.objectives[0]), 1, 1e-8);
}

TEST(HuberRegression, RejectsAScaleThatIsNotPositive) {
  const auto a = test::gaussian_matrix64(5, 2, 37), b = test::gaussian_matrix64(5, 1, 38);
  EXPECT_THROW((void)huber_regression(RowMatrix(a.view()), b.view(), {.scale = 0}), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lp_regression_test
