// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "loewner/regression/lp_regression.hpp"
#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::huber_regression_test {
namespace {

using test::coherent_matrix;
using test::noisy_targets;

RobustRegression fit(const Matrix<double>& a, const Matrix<double>& b, double p) {
  return lp_regression(RowMatrix(a.view()), b.view(), {.norm_exponent = p});
}

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

TEST(HuberRegression, IsLeastAbsoluteDeviationsForASmallScale) {
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
}  // namespace loewner::huber_regression_test
