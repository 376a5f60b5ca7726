// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lp_error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace loewner::lp_error_test {
namespace {

ApproximationErrors errors(const Matrix<float>& a, const Matrix<float>& b, double p,
                           std::span<const double> weights = {}) {
  return approximation_errors(DenseRows(a.view()), DenseRows(b.view()), weights, p);
}

// The definition, one entry at a time.
double power_sum(const Matrix<float>& a, const Matrix<float>& b, double p, const std::vector<double>& weights) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      sum += weights[i] * std::pow(std::abs(static_cast<double>(a(i, j)) - static_cast<double>(b(i, j))), p);
    }
  }
  return sum;
}

class ApproximationErrorsOf : public testing::TestWithParam<double> {};

TEST_P(ApproximationErrorsOf, PowerSumsFollowTheirDefinition) {
  const double p = GetParam();
  const auto a = test::gaussian_matrix({.rows = 120, .cols = 37, .seed = 1});
  const auto b = test::gaussian_matrix({.rows = 120, .cols = 37, .seed = 2});
  const Matrix<float> zero(120, 37);
  std::vector<double> ones(120, 1.0), weights(120);
  for (Index i = 0; i < 120; ++i) weights[i] = 1.0 / static_cast<double>(1 + i);
  const auto result = errors(a, b, p, weights);
  // A float32 difference has the relative error eps32 / 2, its p-th power p times that.
  const double tolerance = p * std::numeric_limits<float>::epsilon();
  const auto expect_close = [&](double value, double expected) { EXPECT_NEAR(value, expected, tolerance * expected); };
  expect_close(result.weighted_power_error, power_sum(a, b, p, weights));
  expect_close(result.weighted_power_norm, power_sum(a, zero, p, weights));
  expect_close(result.squared_error, power_sum(a, b, 2, ones));
  expect_close(result.squared_norm, power_sum(a, zero, 2, ones));
  expect_close(result.weighted_squared_error, power_sum(a, b, 2, weights));
  expect_close(result.weighted_squared_norm, power_sum(a, zero, 2, weights));
}

INSTANTIATE_TEST_SUITE_P(Exponents, ApproximationErrorsOf, testing::Values(1.0, 1.5, 2.0, 3.0));

TEST(ApproximationErrors, RelativeErrorsAreRatiosOfNorms) {
  const auto a = test::gaussian_matrix({.rows = 40, .cols = 9, .seed = 3});
  Matrix<float> b = a.clone();
  for (Index i = 0; i < 40 * 9; ++i) b.data()[i] *= 0.75F;  // exact, so A - B = A / 4
  for (const double p : {1.0, 1.5, 2.0, 6.0}) {
    const auto result = errors(a, b, p);
    EXPECT_NEAR(result.relative_error(), 0.25, 1e-7);
    EXPECT_NEAR(result.weighted_relative_error(), 0.25, 1e-7);
    EXPECT_NEAR(result.relative_lp_error(), 0.25, 1e-7);
  }
}

TEST(ApproximationErrors, ExactApproximationOfZeroHasNoErrorAndAnyOtherAnInfiniteOne) {
  const Matrix<float> zero(5, 4);
  const auto other = test::gaussian_matrix({.rows = 5, .cols = 4, .seed = 4});
  EXPECT_EQ(errors(zero, zero, 1).relative_lp_error(), 0);
  EXPECT_EQ(errors(zero, other, 1).relative_lp_error(), std::numeric_limits<double>::infinity());
}

TEST(ApproximationErrors, LargestFloatsDoNotOverflow) {
  Matrix<float> a(1, 3);
  for (Index j = 0; j < 3; ++j) a(0, j) = 3e38F;
  EXPECT_EQ(errors(a, Matrix<float>(1, 3), 2).relative_error(), 1);
}

TEST(ApproximationErrors, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 5000, .cols = 70, .seed = 5});
  const auto b = test::gaussian_matrix({.rows = 5000, .cols = 70, .seed = 6});
  const auto sums = [&](int threads) {
    const test::ThreadCount scope(threads);
    const auto result = errors(a, b, 1);
    return std::vector<double>{result.squared_error, result.weighted_power_error, result.weighted_power_norm};
  };
  EXPECT_EQ(sums(1), sums(2));
  EXPECT_EQ(sums(1), sums(8));
}

TEST(ApproximationErrors, RejectsOtherShapesBadWeightsAndExponentsBelowOne) {
  const Matrix<float> a(4, 3), wider(4, 4);
  EXPECT_THROW((void)errors(a, wider, 1), InvalidArgument);
  EXPECT_THROW((void)errors(a, a, 0.5), InvalidArgument);
  EXPECT_THROW((void)errors(a, a, std::numeric_limits<double>::infinity()), InvalidArgument);
  EXPECT_THROW((void)errors(a, a, 1, std::vector<double>{1, 1, 1}), InvalidArgument);
  EXPECT_THROW((void)errors(a, a, 1, std::vector<double>{1, 1, 1, -1}), InvalidArgument);
}

}  // namespace
}  // namespace loewner::lp_error_test
