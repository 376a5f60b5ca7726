// SPDX-License-Identifier: Apache-2.0
#include "regression/l1_simplex.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "support/regression_data.hpp"

namespace loewner::detail {
namespace {

struct L1TestProblem {
  Matrix<double> u = test::orthonormal_columns(test::coherent_matrix(300, 6, 1));
  std::vector<double> b, start = std::vector<double>(6, 0.0), dual = std::vector<double>(300, 0.0);

  L1TestProblem() {
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

TEST(L1Simplex, ReachesTheOptimumFromAnyVertex) {
  const L1TestProblem problem;
  const auto solution = l1_simplex(problem.u.view(), problem.b, problem.start, problem.dual, {0, 500});
  EXPECT_EQ(solution.status, Status::converged);
  EXPECT_GT(solution.iterations, 0);
  EXPECT_NEAR(problem.objective(solution.y) / solution.lower_bound, 1, 1e-12);
}

TEST(L1Simplex, EveryExchangeDecreasesTheObjective) {
  const L1TestProblem problem;
  double before = std::numeric_limits<double>::infinity();
  for (int steps = 0; steps <= 12; ++steps) {
    const auto solution = l1_simplex(problem.u.view(), problem.b, problem.start, problem.dual, {0, steps});
    const double now = problem.objective(solution.y);
    EXPECT_LE(now, before * (1 + 1e-12));
    EXPECT_LE(solution.lower_bound, now);
    before = now;
  }
}

TEST(L1Simplex, ReportsBreakdownIfTheRowsHaveNoBasis) {
  const Matrix<double> u(20, 2);  // of rank 0
  const std::vector<double> b(20, 1.0), y(2, 0.0), z(20, 0.0);
  EXPECT_EQ(l1_simplex(u.view(), b, y, z, {0, 10}).status, Status::breakdown);
}

}  // namespace
}  // namespace loewner::detail
