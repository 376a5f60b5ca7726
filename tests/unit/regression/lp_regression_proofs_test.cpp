// SPDX-License-Identifier: Apache-2.0
// Bounds, objectives and statuses of lp_regression where float64 is not enough to solve the problem. `make proofs` looks
// at many more systems.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "loewner/base/random.hpp"
#include "loewner/regression/lp_regression.hpp"
#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::lp_regression_proofs_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

RobustRegression fit(const Matrix<double>& a, const Matrix<double>& b, double p) {
  return lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p});
}

Matrix<double> column(Index rows, double value) {
  Matrix<double> b(rows, 1);
  for (Index i = 0; i < rows; ++i) b(i, 0) = value;
  return b;
}

// 1, x, x^2 ... at equidistant points; A x for x = 1.
Matrix<double> vandermonde(Index rows, Index cols) {
  Matrix<double> a(rows, cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      a(i, j) = std::pow(-1 + 2 * static_cast<double>(i) / static_cast<double>(rows - 1), static_cast<double>(j));
    }
  }
  return a;
}

Matrix<double> row_sums(const Matrix<double>& a) {
  Matrix<double> b(a.rows(), 1);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) b(i, 0) += a(i, j);
  }
  return b;
}

void expect_honest(const RobustRegression& result, double at_zero, double largest) {
  const double objective = result.objectives[0], bound = result.lower_bounds[0];
  EXPECT_GE(bound, 0);
  EXPECT_LE(bound, objective);
  EXPECT_LE(objective, at_zero);
  for (Index k = 0; k < result.x.rows(); ++k) EXPECT_TRUE(std::isfinite(result.x(k, 0)));
  if (result.statuses[0] == Status::converged && objective > 1e-12 * largest * static_cast<double>(100)) {
    EXPECT_LE(objective - bound, 1e-9 * objective);
  }
}

class LpProofsFor : public testing::TestWithParam<double> {};

// The least objective is 0 but for the rounding of b. cond(A) is 1e6 to 1e13.
TEST_P(LpProofsFor, ConsistentIllConditionedSystemsHaveNoPositiveBound) {
  for (const Index cols : {18, 30, 36}) {
    const auto a = vandermonde(50, cols), b = row_sums(a);
    const auto result = fit(a, b, GetParam());
    EXPECT_LE(result.lower_bounds[0], 1e-14) << cols;
    EXPECT_LE(result.objectives[0], 1e-11) << cols;
    expect_honest(result, test::norm_of_column(b, 0, GetParam()), 50);
  }
}

TEST_P(LpProofsFor, BadlyScaledRowsAreNeverFittedWorseThanByZero) {
  const double p = GetParam();
  RandomStream random(1, RandomPurpose::test_data, 0);
  for (const double reach : {8.0, 15.0, 100.0}) {
    for (int trial = 0; trial < 8; ++trial) {
      Matrix<double> a(40, 6), b(40, 1);
      double largest = 0;
      for (Index i = 0; i < 40; ++i) {
        const double scale = std::pow(10.0, reach * (2 * random.uniform() - 1));
        for (Index j = 0; j < 6; ++j) a(i, j) = scale * random.normal();
        b(i, 0) = (trial % 2 == 0 ? scale : 1) * random.normal();
        largest = std::max(largest, std::abs(b(i, 0)));
      }
      expect_honest(fit(a, b, p), test::norm_of_column(b, 0, p) * (1 + 1e-13), largest);
    }
  }
}

// All results are multiples, bit for bit.
TEST_P(LpProofsFor, ScalesByPowersOfTwoOnlyScaleTheResults) {
  const double p = GetParam();
  const auto a = test::coherent_matrix(60, 5, 1), b = test::noisy_targets(a, 2, 2);
  const auto plain = fit(a, b, p);
  for (const int of_a : {-900, 900}) {
    for (const int of_b : {-800, 0, 800}) {
      Matrix<double> scaled_a = a.clone(), scaled_b = b.clone();
      for (Index i = 0; i < 60 * 5; ++i) scaled_a.data()[i] = std::ldexp(a.data()[i], of_a);
      for (Index i = 0; i < 60 * 2; ++i) scaled_b.data()[i] = std::ldexp(b.data()[i], of_b);
      if (of_b - of_a < -1000 || of_b - of_a > 1000) continue;  // x is no number
      const auto result = fit(scaled_a, scaled_b, p);
      for (Index j = 0; j < 2; ++j) {
        EXPECT_EQ(result.objectives[j], std::ldexp(plain.objectives[j], of_b));
        EXPECT_EQ(result.lower_bounds[j], std::ldexp(plain.lower_bounds[j], of_b));
        EXPECT_EQ(result.statuses[j], plain.statuses[j]);
        for (Index k = 0; k < 5; ++k) EXPECT_EQ(result.x(k, j), std::ldexp(plain.x(k, j), of_b - of_a));
      }
    }
  }
}

TEST_P(LpProofsFor, AnswersWithoutANumberBecomeZero) {
  const auto a = test::gaussian_matrix64(20, 3, 1);
  Matrix<double> tiny = a.clone();
  for (Index i = 0; i < 60; ++i) tiny.data()[i] *= 1e-250;
  const auto result = fit(tiny, column(20, 1e200), GetParam());
  for (Index k = 0; k < 3; ++k) EXPECT_EQ(result.x(k, 0), 0);
  EXPECT_EQ(result.objectives[0], test::norm_of_column(column(20, 1), 0, GetParam()) * 1e200);
  EXPECT_GT(result.lower_bounds[0], 0);
  const bool is_best = std::isinf(GetParam());  // of b, whose entries are equal
  EXPECT_EQ(result.statuses[0], is_best ? Status::converged : Status::stalled);
}

TEST_P(LpProofsFor, RefusesObjectivesThatOverflow) {
  const double p = GetParam();
  const auto a = test::gaussian_matrix64(60, 6, 0), b = column(60, 1e308);
  if (p > 100) return expect_honest(fit(a, b, p), 1e308, 1e308);  // the largest entry is a number
  const auto message = test::message_of<InvalidArgument>([&] { (void)fit(a, b, p); });
  EXPECT_CONTAINS(message, "the objective of x = 0 must be finite");
}

INSTANTIATE_TEST_SUITE_P(Exponents, LpProofsFor, testing::Values(1, 1.01, 1.5, 2, 3, kInfinity));

// Rows of weight 0 and 1e-12 beside others; an optimum that is known: the weighted median.
TEST(LpProofs, WeightsOfAllSizesKeepTheBound) {
  const double values[] = {3, -1, 8, 2, 2.5, 100, 0}, weights[] = {1e-12, 1e200, 1e200, 1e200, 0, 1e199, 1e-12};
  Matrix<double> ones = column(7, 1), b(7, 1);
  for (Index i = 0; i < 7; ++i) b(i, 0) = values[i];
  const auto result = lp_regression(RowMatrix(ones.view()), b.view(), {.norm_exponent = 1, .row_weights = weights});
  EXPECT_NEAR(result.x(0, 0), 2, 1e-12);
  EXPECT_NEAR(result.lower_bounds[0] / (9e200 + 98e199), 1, 1e-12);
  EXPECT_EQ(result.statuses[0], Status::converged);
}

TEST(HuberProofs, ScalesByPowersOfTwoOnlyScaleTheResults) {
  const auto a = test::coherent_matrix(60, 5, 1), b = test::noisy_targets(a, 1, 2);
  const auto plain = huber_regression(RowMatrix(a.view()), b.view(), {.scale = 0.5});
  EXPECT_EQ(plain.statuses[0], Status::converged);
  for (const int exponent : {-400, 400}) {
    Matrix<double> scaled = b.clone();
    for (Index i = 0; i < 60; ++i) scaled.data()[i] = std::ldexp(b.data()[i], exponent);
    const auto result = huber_regression(RowMatrix(a.view()), scaled.view(), {.scale = std::ldexp(0.5, exponent)});
    EXPECT_EQ(result.objectives[0], std::ldexp(plain.objectives[0], 2 * exponent));
    EXPECT_EQ(result.lower_bounds[0], std::ldexp(plain.lower_bounds[0], 2 * exponent));
    EXPECT_EQ(result.statuses[0], plain.statuses[0]);
  }
}

TEST(HuberProofs, ConsistentIllConditionedSystemsHaveNoPositiveBound) {
  const auto a = vandermonde(50, 30), b = row_sums(a);
  const auto result = huber_regression(RowMatrix(a.view()), b.view(), {.scale = 1});
  EXPECT_LE(result.lower_bounds[0], 1e-26);
  EXPECT_LE(result.objectives[0], 1e-22);
}

}  // namespace
}  // namespace loewner::lp_regression_proofs_test
