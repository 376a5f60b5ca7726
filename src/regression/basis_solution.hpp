// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"

namespace loewner::detail {

/// When an iteration ends.
struct RegressionStop {
  double tolerance = 0;  ///< of the duality gap, relative to the objective
  int max_iterations = 0;
};

/// The solution of one regression  min over y of  loss(b - U y)  in the orthonormal basis U of a
/// design.
struct BasisSolution {
  std::vector<double> y;   ///< r
  std::vector<double> z;   ///< n: a dual vector that proves a lower bound; empty: none
  double lower_bound = 0;  ///< on the least objective, for U as it is
  Status status = Status::max_iterations;
  int iterations = 0;
};

/// The solutions of t regressions on the same basis.
struct BasisSolutions {
  Matrix<double> y;              ///< r x t
  Matrix<double> z;              ///< n x t: dual vectors that prove lower bounds; 0: none
  std::vector<Status> statuses;  ///< t
  std::vector<int> iterations;   ///< t

  BasisSolutions(Index rank, Index rows, Index count)
      : y(rank, count), z(rows, count), statuses(count, Status::max_iterations), iterations(count, 0) {}
};

}  // namespace loewner::detail
