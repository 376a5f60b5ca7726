// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/symmetric_eigen.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "loewner/linalg/gram.hpp"
#include "support/matrices.hpp"

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

TEST(SymmetricEigen, RejectsWhatIsNotSquareOrNotFinite) {
  EXPECT_THROW((void)symmetric_eigen(Matrix<double>(2, 3)), InvalidArgument);
  Matrix<double> g(2, 2);
  g(0, 1) = std::nan("");
  EXPECT_THROW((void)symmetric_eigen(std::move(g)), InvalidArgument);
}

}  // namespace
}  // namespace loewner
