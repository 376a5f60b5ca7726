// SPDX-License-Identifier: Apache-2.0
#include "regression/polyhedral_regression.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "regression/row_basis.hpp"
#include "support/regression_data.hpp"

namespace loewner::detail {
namespace {

struct Problem {
  Matrix<double> u = test::orthonormal_columns(test::coherent_matrix(300, 6, 1));
  std::vector<double> b, start = std::vector<double>(6, 0.0), dual = std::vector<double>(300, 0.0);

  Problem() {
    const Matrix<double> noise = test::noisy_targets(test::coherent_matrix(300, 6, 2), 1, 3);
    b.assign(noise.data(), noise.data() + 300);
  }

  double objective(std::span<const double> y) const {
    double sum = 0;
    for (Index i = 0; i < 300; ++i) {
      sum += std::abs(b[i] - std::inner_product(y.begin(), y.end(), u.row(i).begin(), 0.0));
    }
    return sum;
  }
};

TEST(ExchangesOfRows, LeadFromAnyVertexToTheOptimum) {
  const Problem problem;
  const auto solution = exchange_from(problem.u.view(), problem.b, problem.start, problem.dual, {0, 500});
  EXPECT_EQ(solution.status, Status::converged);
  EXPECT_GT(solution.iterations, 0);
  EXPECT_NEAR(problem.objective(solution.y) / solution.lower_bound, 1, 1e-12);
}

TEST(ExchangesOfRows, DecreaseTheObjectiveOneByOne) {
  const Problem problem;
  double before = std::numeric_limits<double>::infinity();
  for (int steps = 0; steps <= 12; ++steps) {
    const auto solution = exchange_from(problem.u.view(), problem.b, problem.start, problem.dual, {0, steps});
    const double now = problem.objective(solution.y);
    EXPECT_LE(now, before * (1 + 1e-12));
    EXPECT_LE(solution.lower_bound, now);
    before = now;
  }
}

TEST(ExchangesOfRows, BreakDownWhereRowsHaveNoBasis) {
  const Matrix<double> u(20, 2);  // of rank 0
  const std::vector<double> b(20, 1.0), y(2, 0.0), z(20, 0.0);
  EXPECT_EQ(exchange_from(u.view(), b, y, z, {0, 10}).status, Status::breakdown);
}

TEST(RowBasis, KeepsItsInverseThroughReplacements) {
  const auto rows = test::gaussian_matrix64(200, 8, 4);
  RowBasis basis(8);
  for (Index i = 0; !basis.is_complete(); ++i) basis.add(rows.row(i));
  basis.factorise();
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
