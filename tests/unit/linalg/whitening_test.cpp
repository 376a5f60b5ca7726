// SPDX-License-Identifier: Apache-2.0
#include "linalg/whitening.hpp"

#include <gtest/gtest.h>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/gram.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"

namespace loewner::whitening_test {
namespace {

constexpr Index kCols = 40;

Matrix<double> upper_factor() {
  const auto a = test::gaussian_matrix({.rows = 100, .cols = kCols, .seed = 1});
  auto g = gram(DenseRows(a.view()));
  EXPECT_TRUE(blas::cholesky_upper(g.view()));  // the lower triangle keeps what it had
  return g;
}

TEST(InverseOfUpper, IsOneFromBothSidesAndReadsTheUpperTriangleOnly) {
  const auto u = upper_factor();
  const auto inverse = blas::inverse_of_upper(u.view());
  auto product = inverse.clone();
  blas::multiply_by_upper(u.view(), product.view());
  for (Index i = 0; i < kCols; ++i) {
    for (Index j = 0; j < kCols; ++j) EXPECT_NEAR(product(i, j), i == j ? 1 : 0, 1e-13);
    for (Index j = 0; j < i; ++j) EXPECT_EQ(inverse(i, j), 0);
  }
}

TEST(Whitening, WhitenedRowsAreOrthonormalInEveryPrecisionAndForm) {
  const auto a = test::gaussian_matrix({.rows = 100, .cols = kCols, .seed = 1});
  const auto wide = detail::widened(a.view());
  auto whitening = detail::whitening_of(gram(DenseRows(a.view())));
  ASSERT_TRUE(whitening.upper);
  const auto narrow = detail::narrowed(whitening.t.view());
  for (const bool upper : {true, false}) {
    Matrix<double> y(100, kCols), z(100, kCols);
    Matrix<float> f(100, kCols);
    detail::whiten_rows(wide.view(), whitening.t.view(), upper, y.view());
    detail::whiten_rows(a.view(), whitening.t.view(), upper, z.view());
    detail::whiten_rows(a.view(), narrow.view(), upper, f.view());
    const auto columns = test::transposed(y);
    EXPECT_LE(test::orthonormality_error(columns.view()), 1e-13);
    for (Index i = 0; i < 100; ++i) {
      for (Index j = 0; j < kCols; ++j) {
        EXPECT_NEAR(z(i, j), y(i, j), 1e-14);
        EXPECT_NEAR(f(i, j), y(i, j), 1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace loewner::whitening_test
