// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>
#include <tuple>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/random.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"
#include "support/threads.hpp"

namespace loewner::blas {
namespace {

struct Bidiagonal {
  std::vector<double> diagonal, beside;
};

Bidiagonal random_bidiagonal(Index n) {
  RandomStream random(6, RandomPurpose::test_data);
  Bidiagonal b;
  for (Index i = 0; i < n; ++i) b.diagonal.push_back(random.normal());
  for (Index i = 0; i + 1 < n; ++i) b.beside.push_back(random.normal());
  return b;
}

Bidiagonal toeplitz_bidiagonal(Index n) {
  return {std::vector<double>(n, 1.0), std::vector<double>(n - 1, 1.0)};
}

Bidiagonal diagonal_bidiagonal(Index n) {
  Bidiagonal b = random_bidiagonal(n);
  std::ranges::fill(b.beside, 0.0);
  return b;
}

Bidiagonal graded_bidiagonal(Index n) {
  Bidiagonal b = random_bidiagonal(n);
  for (Index i = 0; i < n; ++i) b.diagonal[i] *= std::exp2(-static_cast<double>(i) / 10);
  for (Index i = 0; i + 1 < n; ++i) b.beside[i] *= std::exp2(-static_cast<double>(i) / 10);
  return b;
}

Bidiagonal zeros_on_diagonal(Index n) {
  Bidiagonal b = random_bidiagonal(n);
  for (Index i = 0; i < n; i += 3) b.diagonal[i] = 0;
  return b;
}

Bidiagonal identity_bidiagonal(Index n) {
  return {std::vector<double>(n, 1.0), std::vector<double>(n - 1, 0.0)};
}

Bidiagonal zero_bidiagonal(Index n) {
  return {std::vector<double>(n), std::vector<double>(n - 1)};
}

// Problems of two values remain in the merge at the top.
Bidiagonal bidiagonal_with_one_coupling(Index n) {
  Bidiagonal b = identity_bidiagonal(n);
  b.beside[n / 2 - (n > 1 ? 1 : 0)] = 1;
  return b;
}

struct BidiagonalKind {
  const char* name;
  Bidiagonal (*make)(Index);
};

void PrintTo(const BidiagonalKind& kind, std::ostream* out) {
  *out << kind.name;
}

// max |B - U S V^T|
double error_of(const Bidiagonal& b, const std::vector<double>& values, MatrixView<const double> left,
                MatrixView<const double> right) {
  const auto n = static_cast<Index>(values.size());
  Matrix<double> scaled(n, n), product(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index k = 0; k < n; ++k) scaled(k, i) = left(k, i) * values[k];
  }
  gemm(Op::transpose, Op::transpose, 1.0, scaled.view(), right, 0.0, product.view());
  double worst = 0;
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const double expected = j == i ? b.diagonal[i] : j == i + 1 ? b.beside[i] : 0;
      worst = std::max(worst, std::abs(product(i, j) - expected));
    }
  }
  return worst;
}

class BidiagonalMatrices : public testing::TestWithParam<std::tuple<BidiagonalKind, Index>> {};

TEST_P(BidiagonalMatrices, OrthonormalFactorsRebuildThem) {
  const auto [kind, n] = GetParam();
  const Bidiagonal b = kind.make(n);
  Bidiagonal work = b;
  Matrix<double> left = Matrix<double>::uninitialized(n, n), right = Matrix<double>::uninitialized(n, n);
  ASSERT_TRUE(bidiagonal_svd(work.diagonal, work.beside, left.view(), right.view()));
  EXPECT_TRUE(std::ranges::is_sorted(work.diagonal, std::greater<>()));
  EXPECT_GE(work.diagonal.back(), 0);
  EXPECT_LE(test::orthonormality_error(left.view()), 1e-13);
  const Matrix<double> right_rows = detail::transposed<double>(right.view());
  EXPECT_LE(test::orthonormality_error(right_rows.view()), 1e-13);
  EXPECT_LE(error_of(b, work.diagonal, left.view(), right.view()), 2e-14 * std::max(work.diagonal[0], 1.0));
}

// One small problem; halves of the same and of different sizes; more than one strip of each product.
INSTANTIATE_TEST_SUITE_P(, BidiagonalMatrices,
                         testing::Combine(testing::Values(BidiagonalKind{"random", random_bidiagonal},
                                                          BidiagonalKind{"toeplitz", toeplitz_bidiagonal},
                                                          BidiagonalKind{"diagonal", diagonal_bidiagonal},
                                                          BidiagonalKind{"graded", graded_bidiagonal},
                                                          BidiagonalKind{"zeros_on_diagonal", zeros_on_diagonal},
                                                          BidiagonalKind{"identity", identity_bidiagonal},
                                                          BidiagonalKind{"zero", zero_bidiagonal},
                                                          BidiagonalKind{"one_coupling", bidiagonal_with_one_coupling}),
                                          testing::Values(Index{2}, Index{25}, Index{26}, Index{53}, Index{700})));

TEST(BidiagonalSvd, ValuesOfToeplitzAreKnown) {
  constexpr Index n = 300;
  Bidiagonal b = toeplitz_bidiagonal(n);
  Matrix<double> left(n, n), right(n, n);
  ASSERT_TRUE(bidiagonal_svd(b.diagonal, b.beside, left.view(), right.view()));
  for (Index k = 0; k < n; ++k) {
    const double expected = 2 * std::cos(M_PI * static_cast<double>(k + 1) / static_cast<double>(2 * n + 1));
    EXPECT_NEAR(b.diagonal[k], expected, 1e-14);
  }
}

TEST(BidiagonalSvd, SameBitsForAnyNumberOfThreads) {
  constexpr Index n = 600;
  const auto left_with = [](int threads) {
    const test::ThreadCount scope(threads);
    Bidiagonal b = random_bidiagonal(n);
    Matrix<double> left(n, n), right(n, n);
    EXPECT_TRUE(bidiagonal_svd(b.diagonal, b.beside, left.view(), right.view()));
    return left;
  };
  const Matrix<double> one = left_with(1), three = left_with(3);
  for (Index i = 0; i < n; ++i) EXPECT_TRUE(std::ranges::equal(one.row(i), three.row(i)));
}

}  // namespace
}  // namespace loewner::blas
