// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/symmetric_eigen.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "loewner/linalg/gram.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

TEST(SymmetricEigen, DiagonalMatrixHasItsEntriesInDescendingOrder) {
  Matrix<double> g(3, 3);
  g(0, 0) = 2;
  g(1, 1) = -1;
  g(2, 2) = 5;
  const auto eigen = symmetric_eigen(std::move(g));
  EXPECT_EQ(eigen.values, (std::vector<double>{5, 2, -1}));
  EXPECT_EQ(eigen.vectors_t(0, 2), 1);
  EXPECT_EQ(eigen.vectors_t(1, 0), 1);
  EXPECT_EQ(eigen.vectors_t(2, 1), 1);
}

TEST(SymmetricEigen, RebuildsTheMatrixFromOrthonormalVectors) {
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 25, .seed = 1});
  const auto g = gram(DenseRows(a.view()));
  const auto eigen = symmetric_eigen(g.clone());
  EXPECT_LE(test::orthonormality_error(eigen.vectors_t.view()), 1e-13 * 25);
  for (Index i = 0; i < 25; ++i) {
    for (Index j = 0; j < 25; ++j) {
      double sum = 0;
      for (Index k = 0; k < 25; ++k) sum += eigen.values[k] * eigen.vectors_t(k, i) * eigen.vectors_t(k, j);
      EXPECT_NEAR(sum, g(i, j), 1e-14 * 25 * eigen.values[0]);
    }
  }
}

TEST(SymmetricEigen, TinyAndHugeMatricesAreOnlyScaled) {
  const auto a = test::gaussian_matrix({.rows = 60, .cols = 25, .seed = 1});
  const auto g = gram(DenseRows(a.view()));
  const auto plain = symmetric_eigen(g.clone());
  for (const int exponent : {-990, -700, 700, 1000}) {  // squares of the entries leave the range of float64
    auto scaled = g.clone();
    for (Index i = 0; i < 25; ++i) {
      for (double& x : scaled.row(i)) x = std::ldexp(x, exponent);
    }
    const auto eigen = symmetric_eigen(std::move(scaled));
    EXPECT_TRUE(test::same_bits(eigen.vectors_t, plain.vectors_t)) << exponent;
    for (std::size_t i = 0; i < 25; ++i) EXPECT_EQ(eigen.values[i], std::ldexp(plain.values[i], exponent)) << exponent;
  }
  Matrix<double> least(2, 2);
  least(0, 0) = least(1, 1) = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(symmetric_eigen(std::move(least)).values[1], std::numeric_limits<double>::denorm_min());
}

TEST(SymmetricEigen, SameBitsForAnyNumberOfThreads) {
  constexpr Index kSize = 500;  // vectors in more than one part
  const auto a = test::gaussian_matrix({.rows = 600, .cols = kSize, .seed = 2});
  const auto eigen_with = [&](int threads) {
    const test::ThreadCount scope(threads);
    return symmetric_eigen(gram(DenseRows(a.view())));
  };
  const auto one = eigen_with(1);
  EXPECT_LE(test::orthonormality_error(one.vectors_t.view()), 1e-13 * kSize);
  for (const int threads : {2, 8}) {
    const auto many = eigen_with(threads);
    EXPECT_TRUE(test::same_bits(one.vectors_t, many.vectors_t)) << threads;
    EXPECT_EQ(one.values, many.values) << threads;
  }
}

TEST(SymmetricEigen, RejectsNonSquareAndNonFiniteMatrices) {
  EXPECT_THROW((void)symmetric_eigen(Matrix<double>(2, 3)), InvalidArgument);
  Matrix<double> g(2, 2);
  g(0, 1) = std::nan("");
  EXPECT_THROW((void)symmetric_eigen(std::move(g)), InvalidArgument);
}

}  // namespace
}  // namespace loewner
