// SPDX-License-Identifier: Apache-2.0
#include "regression/row_basis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/regression_data.hpp"

namespace loewner::detail {
namespace {

TEST(RowBasis, KeepsItsInverseThroughReplacements) {
  const auto rows = test::gaussian_matrix64(200, 8, 4);
  RowBasis basis(8);
  for (Index i = 0; !basis.is_complete(); ++i) basis.add(rows.row(i));
  basis.factorize();
  for (Index i = 8; i < 200; ++i) {
    const auto coefficients = basis.coefficients(rows.row(i));
    const Index k = i % 8;
    if (std::abs(coefficients[k]) < 0.05) continue;
    basis.replace(k, rows.row(i), coefficients);
  }
  for (Index k = 0; k < 8; ++k) {
    const auto direction = basis.direction(k);
    for (Index j = 0; j < 8; ++j) {
      const auto row = basis.row(j);
      EXPECT_NEAR(std::inner_product(row.begin(), row.end(), direction.begin(), 0.0), j == k, 1e-9);
    }
  }
}

TEST(RowBasis, RefusesDependentRows) {
  RowBasis basis(3);
  const std::vector<double> x = {1, 2, 3}, y = {2, 4, 6.0000001}, zero = {0, 0, 0};
  EXPECT_TRUE(basis.add(x));
  EXPECT_FALSE(basis.add(y));
  EXPECT_FALSE(basis.add(zero));
}

}  // namespace
}  // namespace loewner::detail
