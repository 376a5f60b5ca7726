// SPDX-License-Identifier: Apache-2.0
// The solutions for p = 1 and infinity are vertices: comparisons with all vertices of small problems, and problems with
// known vertices.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "loewner/regression/lp_regression.hpp"
#include "support/regression_data.hpp"

namespace loewner::lp_regression_vertices_test {
namespace {

using test::coherent_matrix;
using test::noisy_targets;
using test::norm_of_column;
using test::residual_of;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

RobustRegression fit(const Matrix<double>& a, const Matrix<double>& b, double p) {
  return lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p});
}

// Solves a k x k system by Gaussian elimination with pivoting; empty if it is singular.
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

// Some minimizer of the l_1 norm interpolates d rows.
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

// The least maximum over all rows is the largest least maximum over d + 1 rows, which is |m^T b| / ||m||_1 for the m
// with m^T A = 0.
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

TEST(LpRegression, ForOneIsTheBestVertex) {
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

TEST(LpRegression, OnAConstantColumnIsTheMedianMeanAndMidrange) {
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

TEST(LpRegression, ForOneSolvesTallProblemsExactlyFromPredictedSigns) {
  const auto a = coherent_matrix(30000, 3, 23), b = noisy_targets(a, 2, 24);
  const auto result = fit(a, b, 1);
  for (Index j = 0; j < 2; ++j) {
    EXPECT_LE(result.objectives[j] - result.lower_bounds[j], 1e-13 * result.objectives[j]);
  }
}

// Among 150 columns the sample predicts wrong signs for some.
TEST(LpRegression, ForOneSolvesTallProblemsExactlyDespiteWrongSigns) {
  const auto a = test::gaussian_matrix64(6000, 2, 35), b = noisy_targets(a, 150, 36);
  const auto result = fit(a, b, 1);
  for (Index j = 0; j < 150; ++j) {
    EXPECT_LE(result.objectives[j] - result.lower_bounds[j], 1e-13 * result.objectives[j]) << j;
  }
}

// Nine rows of ten have residual 0, so exchanges among them do not move the point.
TEST(LpRegression, ForOneRecoversAnExactFitOfMostRows) {
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

}  // namespace
}  // namespace loewner::lp_regression_vertices_test
