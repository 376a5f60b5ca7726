// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"
#include "support/threads.hpp"

// Sizes on both sides of those above which factorizations run in parts.
namespace loewner::blas {
namespace {

Matrix<double> gaussian(Index rows, Index cols) {
  return test::gaussian_matrix64(rows, cols, 7);
}

Matrix<double> product(Op op, const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> c(op == Op::none ? a.rows() : a.cols(), b.cols());
  gemm(op, Op::none, 1.0, a.view(), b.view(), 0.0, c.view());
  return c;
}

void clear_below_diagonal(Matrix<double>& a) {
  for (Index i = 0; i < a.rows(); ++i) std::ranges::fill(a.row(i).first(std::min(i, a.cols())), 0.0);
}

double largest_difference(const Matrix<double>& a, const Matrix<double>& b) {
  double largest = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) largest = std::max(largest, std::abs(a(i, j) - b(i, j)));
  }
  return largest;
}

Matrix<double> gram_of(const Matrix<double>& a) {
  return product(Op::transpose, a, a);
}

// How often a factorization lets its caller cancel.
int polls_of(const std::function<void()>& factorization) {
  int polls = 0;
  const CancellationScope scope([&] {
    ++polls;
    return false;
  });
  factorization();
  return polls;
}

class Cholesky : public testing::TestWithParam<Index> {};

TEST_P(Cholesky, FactorRebuildsTheMatrix) {
  const Index n = GetParam();
  const Matrix<double> g = gram_of(gaussian(n + 50, n));
  Matrix<double> u = g.clone();
  ASSERT_TRUE(cholesky_upper(u.view()));
  EXPECT_EQ(u(n - 1, 0), g(n - 1, 0));  // the lower triangle is left alone
  clear_below_diagonal(u);
  EXPECT_LE(largest_difference(gram_of(u), g), 1e-15 * static_cast<double>(n * n));
}

TEST_P(Cholesky, IndefiniteMatrixHasNone) {
  const Index n = GetParam();
  Matrix<double> g = gram_of(gaussian(n + 50, n));
  g(n - 1, n - 1) = -1;
  EXPECT_FALSE(cholesky_upper(g.view()));
}

TEST_P(Cholesky, InverseOfTheFactorIsItsInverse) {
  const Index n = GetParam();
  Matrix<double> u = gram_of(gaussian(n + 50, n));
  ASSERT_TRUE(cholesky_upper(u.view()));
  clear_below_diagonal(u);
  const Matrix<double> inverse = inverse_of_upper(u.view());
  Matrix<double> identity(n, n), upper = inverse.clone();
  for (Index i = 0; i < n; ++i) identity(i, i) = 1;
  EXPECT_LE(largest_difference(product(Op::none, u, inverse), identity), 1e-10);
  clear_below_diagonal(upper);
  EXPECT_EQ(largest_difference(upper, inverse), 0);
}

INSTANTIATE_TEST_SUITE_P(, Cholesky, testing::Values(Index{40}, Index{1024}, Index{1025}, Index{1300}));

class PivotedCholesky : public testing::TestWithParam<Index> {};

TEST_P(PivotedCholesky, FactorRebuildsTheReorderedMatrix) {
  const Index n = GetParam();
  const Matrix<double> g = gram_of(gaussian(n + 50, n));
  Matrix<double> u = g.clone(), reordered(n, n);
  std::vector<Index> order;
  ASSERT_TRUE(pivoted_cholesky_upper(u.view(), order));
  clear_below_diagonal(u);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) reordered(i, j) = g(order[i], order[j]);
  }
  EXPECT_LE(largest_difference(gram_of(u), reordered), 1e-15 * static_cast<double>(n * n));
  EXPECT_GE(polls_of([&] { (void)pivoted_cholesky_upper(reordered.view(), order); }), n > 2048 ? 30 : 0);
}

// No diagonal entry is below those that follow it, nor below the norm of its row's part in a later column: each pivot
// is the largest that is left.
TEST_P(PivotedCholesky, EachPivotIsTheLargest) {
  const Index n = GetParam();
  Matrix<double> u = gram_of(gaussian(n + 50, n));
  std::vector<Index> order;
  ASSERT_TRUE(pivoted_cholesky_upper(u.view(), order));
  std::vector<double> left(static_cast<std::size_t>(n));  // squared norm of each column from row i on
  for (Index i = n - 1; i >= 0; --i) {
    for (Index j = i; j < n; ++j) left[j] += u(i, j) * u(i, j);
    EXPECT_GE(left[i] * (1 + 1e-10), *std::max_element(left.begin() + i, left.end())) << i;
  }
}

TEST_P(PivotedCholesky, IndefiniteMatrixHasNone) {
  const Index n = GetParam();
  Matrix<double> g = gram_of(gaussian(n + 50, n));
  g(n / 2, n / 2) = -1;
  std::vector<Index> order;
  EXPECT_FALSE(pivoted_cholesky_upper(g.view(), order));
}

INSTANTIATE_TEST_SUITE_P(, PivotedCholesky, testing::Values(Index{40}, Index{2049}));

class QrUpper : public testing::TestWithParam<test::Shape> {};

TEST_P(QrUpper, HasTheGramMatrixOfTheInput) {
  const auto [rows, cols, seed] = GetParam();
  const Matrix<double> a = gaussian(rows, cols);
  Matrix<double> work = a.clone(), r(cols, cols);
  qr_upper_in_place(work.view(), r.view());
  EXPECT_LE(largest_difference(gram_of(r), gram_of(a)), 1e-14 * static_cast<double>(rows + cols) * 10);
  Matrix<double> upper = r.clone();
  clear_below_diagonal(upper);
  EXPECT_EQ(largest_difference(upper, r), 0);
}

INSTANTIATE_TEST_SUITE_P(, QrUpper,
                         testing::Values(test::Shape{.rows = 90, .cols = 30}, test::Shape{.rows = 30, .cols = 90},
                                         test::Shape{.rows = 700, .cols = 600}, test::Shape{.rows = 300, .cols = 900}));

class ThinSvd : public testing::TestWithParam<test::Shape> {};

TEST_P(ThinSvd, RebuildsTheMatrixFromOrthonormalFactors) {
  const auto [rows, cols, seed] = GetParam();
  const Matrix<double> a = gaussian(rows, cols);
  Matrix<double> work = a.clone(), u, vt;
  std::vector<double> s, values;
  ASSERT_TRUE(thin_svd(work.view(), u, s, vt));
  EXPECT_LE(test::orthonormality_error(vt.view()), 1e-12);
  const Matrix<double> u_t = detail::transposed<double>(u.view());
  EXPECT_LE(test::orthonormality_error(u_t.view()), 1e-12);
  for (Index i = 0; i < u.rows(); ++i) {
    for (Index j = 0; j < u.cols(); ++j) u(i, j) *= s[j];
  }
  EXPECT_LE(largest_difference(product(Op::none, u, vt), a), 1e-13 * s[0]);
  EXPECT_TRUE(std::ranges::is_sorted(s, std::greater<>()));
  work = a.clone();
  ASSERT_TRUE(singular_values(work.view(), values));
  ASSERT_EQ(values.size(), s.size());
  for (std::size_t i = 0; i < s.size(); ++i) EXPECT_NEAR(values[i], s[i], 1e-13 * s[0]);
}

TEST_P(ThinSvd, ScalesWithItsInput) {
  const auto [rows, cols, seed] = GetParam();
  for (const int exponent : {-900, 900}) {
    const Matrix<double> a = gaussian(rows, cols);
    Matrix<double> work = a.clone(), scaled = a.clone();
    for (Index i = 0; i < rows; ++i) {
      for (double& x : scaled.row(i)) x = std::ldexp(x, exponent);
    }
    std::vector<double> s, of_scaled;
    ASSERT_TRUE(singular_values(work.view(), s) && singular_values(scaled.view(), of_scaled));
    for (std::size_t i = 0; i < s.size(); ++i) EXPECT_NEAR(std::ldexp(of_scaled[i], -exponent), s[i], 1e-13 * s[0]);
  }
}

TEST_P(ThinSvd, RefusesInfiniteEntries) {
  const auto [rows, cols, seed] = GetParam();
  Matrix<double> a = gaussian(rows, cols), u, vt;
  a(rows - 1, 0) = std::numeric_limits<double>::infinity();
  std::vector<double> s;
  EXPECT_FALSE(thin_svd(a.view(), u, s, vt));
}

INSTANTIATE_TEST_SUITE_P(, ThinSvd,
                         testing::Values(test::Shape{.rows = 80, .cols = 30}, test::Shape{.rows = 513, .cols = 513},
                                         test::Shape{.rows = 900, .cols = 520}, test::Shape{.rows = 550, .cols = 700}));

TEST(Factorizations, SameBitsForAnyNumberOfThreads) {
  const auto results_with = [](int threads) {
    const test::ThreadCount scope(threads);
    Matrix<double> a = gaussian(1100, 1100), u, vt, r(1100, 1100), g = gram_of(a), work = a.clone();
    std::vector<double> s;
    EXPECT_TRUE(cholesky_upper(g.view()));
    qr_upper_in_place(work.view(), r.view());
    EXPECT_TRUE(thin_svd(a.view(), u, s, vt));
    std::vector<Matrix<double>> all;
    for (Matrix<double>* x : {&g, &r, &u, &vt}) all.push_back(std::move(*x));
    return all;
  };
  const auto one = results_with(1), three = results_with(3);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(largest_difference(one[i], three[i]), 0);
}

TEST(Factorizations, LargeOnesAskTheirCallerBetweenParts) {
  const Matrix<double> a = gaussian(1100, 1100), g = gram_of(a);
  Matrix<double> work = a.clone(), r(1100, 1100), u, vt, definite = g.clone(), symmetric = g.clone();
  Matrix<float> symmetric32(1100, 1100);
  std::vector<double> s;
  std::vector<float> diagonal, beside;
  EXPECT_GE(polls_of([&] { cholesky_upper(definite.view()); }), 3);
  EXPECT_GE(polls_of([&] { (void)inverse_of_upper(definite.view()); }), 3);
  EXPECT_GE(polls_of([&] { qr_upper_in_place(work.view(), r.view()); }), 30);
  EXPECT_GE(polls_of([&] { symmetric_eigenvalues(symmetric.view(), s); }), 30);
  EXPECT_GE(polls_of([&] { tridiagonal_form(symmetric32.view(), diagonal, beside); }), 30);
  work = a.clone();
  EXPECT_GE(polls_of([&] { thin_svd(work.view(), u, s, vt); }), 30);
  work = a.clone();
  EXPECT_GE(polls_of([&] { singular_values(work.view(), s); }), 30);
}

}  // namespace
}  // namespace loewner::blas
