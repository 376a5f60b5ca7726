// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/singular_values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

std::vector<double> singular_values_of(const RowSource& a) {
  return singular_values(a);
}

TEST(SingularValues, AreThoseOfTheDirectSvdForTallAndWideMatrices) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{90, 20}, {20, 90}, {20, 20}, {5, 1}, {1, 5}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 1});
    const auto values = singular_values(DenseRows(a.view()));
    const auto direct =
        truncated_svd(DenseRows(a.view()), {.rank = 1, .row_weights = {}, .route = SvdRoute::direct}).singular_values;
    ASSERT_EQ(values.size(), direct.size());
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], direct[i], 1e-6 * direct[0]);
  }
}

TEST(SingularValues, InFloat32EqualFloat64DownToItsNoise) {
  std::vector<double> spectrum(60);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = std::pow(10.0, -0.1 * static_cast<double>(i));
  const auto a = test::matrix_with_spectrum({.rows = 90, .cols = 60, .seed = 1}, spectrum);
  const auto exact = singular_values(DenseRows(a.view()));
  const auto fast = singular_values_float32(DenseRows(a.view()));
  ASSERT_EQ(fast.size(), exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_NEAR(fast[i] * fast[i], exact[i] * exact[i], 1e-6 * exact[0] * exact[0]) << i;
  }
  // The last values, 1e-6 of the first, are lost in float32 only.
  EXPECT_GT(std::abs(fast.back() / exact.back() - 1), 0.1);
}

TEST(SingularValues, InFloat32AllowSquaresOutsideItsRange) {
  const auto ones = test::gaussian_matrix({.rows = 50, .cols = 8, .seed = 1});
  const auto plain = singular_values_float32(DenseRows(ones.view()));
  for (const float scale : {0x1p-100F, 0x1p-40F, 0x1p100F}) {
    auto a = test::gaussian_matrix({.rows = 50, .cols = 8, .seed = 1});
    for (Index i = 0; i < a.rows(); ++i) {
      for (float& x : a.row(i)) x *= scale;
    }
    const auto values = singular_values_float32(DenseRows(a.view()));
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(values[i] / static_cast<double>(scale), plain[i], 1e-6 * plain[0]);
    }
  }
  const Matrix<float> zeros(5, 3);
  EXPECT_EQ(singular_values_float32(DenseRows(zeros.view())), std::vector<double>(3));
}

TEST(SingularValues, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 5000, .cols = 30, .seed = 1});
  for (const auto& function : {&singular_values_of, &singular_values_float32}) {
    const auto values = [&](int threads) {
      const test::ThreadCount scope(threads);
      return function(DenseRows(a.view()));
    };
    EXPECT_EQ(values(2), values(1));
    EXPECT_EQ(values(8), values(1));
  }
}

TEST(SingularValues, NonFiniteEntriesAreNamed) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    auto a = test::gaussian_matrix({.rows = 9, .cols = 4, .seed = 1});
    a(3, 2) = bad;
    for (const auto& function : {&singular_values_of, &singular_values_float32}) {
      EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)function(DenseRows(a.view())); }),
                      "row 3, column 2");
    }
  }
}

TEST(RelativeResiduals, AreTheTailsOfTheSpectrum) {
  const auto left = relative_residuals({4, 3, 0});
  ASSERT_EQ(left.size(), 4U);
  EXPECT_DOUBLE_EQ(left[0], 1);
  EXPECT_DOUBLE_EQ(left[1], 0.6);
  EXPECT_DOUBLE_EQ(left[2], 0);
  EXPECT_DOUBLE_EQ(left[3], 0);
  for (const double error : relative_residuals({0, 0})) EXPECT_EQ(error, 0);
}

}  // namespace
}  // namespace loewner
