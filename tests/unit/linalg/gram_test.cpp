// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/matrices.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner {
namespace {

Matrix<double> by_definition(const Matrix<float>& a, const std::vector<double>& w) {
  Matrix<double> g(a.cols(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      for (Index k = 0; k < a.cols(); ++k) g(j, k) += w[i] * static_cast<double>(a(i, j)) * a(i, k);
    }
  }
  return g;
}

double largest_difference(const Matrix<double>& a, const Matrix<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.rows() * a.cols(); ++i) worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
  return worst;
}

TEST(Gram, EqualsTheDefinitionForEveryShape) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {1, 40}, {40, 1}, {33, 65}, {5000, 70}, {0, 3}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 4});
    std::vector<double> weights(rows);
    for (Index i = 0; i < rows; ++i) weights[i] = 1.0 / static_cast<double>(i + 1);
    const double tolerance = test::rounding_tolerance64(a.view()) * (1 + test::frobenius_norm(a.view()));
    EXPECT_LE(largest_difference(gram(DenseRows(a.view()), weights), by_definition(a, weights)), tolerance)
        << rows << " x " << cols;
  }
}

TEST(Gram, AccumulatesInFloat64) {
  // 4096 rows of 1 + 2^-12: the squares' last bits vanish in float32 sums but not in float64 ones.
  Matrix<float> a(4096, 1);
  for (float& x : std::span(a.data(), 4096)) x = 1 + 0x1p-12F;
  const double square = (1 + 0x1p-12) * (1 + 0x1p-12);
  EXPECT_EQ(gram(DenseRows(a.view()))(0, 0), 4096 * square);
}

TEST(Gram, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 130, .seed = 5});
  const auto with_threads = [&](int count) {
    const test::ThreadCount threads(count);
    return gram(DenseRows(a.view()));
  };
  const auto one = with_threads(1);
  EXPECT_EQ(largest_difference(one, with_threads(2)), 0);
  EXPECT_EQ(largest_difference(one, with_threads(8)), 0);
}

TEST(Gram, InFloat32IsTheSameToFloat32AccuracyAndForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 130, .seed = 7});
  std::vector<double> weights(9000);
  for (Index i = 0; i < 9000; ++i) weights[i] = 1.0 / static_cast<double>(1 + i);
  const auto with_threads = [&](int count) {
    const test::ThreadCount threads(count);
    return gram_float32(DenseRows(a.view()), weights);
  };
  const auto one = with_threads(1);
  double largest = 0;
  for (Index j = 0; j < 130; ++j) largest = std::max(largest, one(j, j));
  // Sums of 1024 float32 products: rounding errors add up like a random walk, relative to sum w |a_ij a_il| <= largest.
  const double tolerance = std::sqrt(1024.0) * std::numeric_limits<float>::epsilon() * largest;
  EXPECT_LE(largest_difference(one, gram(DenseRows(a.view()), weights)), tolerance);
  EXPECT_EQ(largest_difference(one, with_threads(2)), 0);
  EXPECT_EQ(largest_difference(one, with_threads(8)), 0);
}

TEST(Gram, RejectsBadWeights) {
  const auto a = test::gaussian_matrix({.rows = 3, .cols = 2, .seed = 6});
  const DenseRows rows(a.view());
  EXPECT_THROW((void)gram(rows, std::vector<double>{1, 2}), InvalidArgument);
  EXPECT_THROW((void)gram(rows, std::vector<double>{1, -2, 1}), InvalidArgument);
  EXPECT_THROW((void)gram(rows, std::vector<double>{1, std::nan(""), 1}), InvalidArgument);
}

}  // namespace
}  // namespace loewner
