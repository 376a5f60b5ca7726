// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// min over y of  sum_i |b_i - u_i^T y| - g^T y + offset.  Its dual:  max over z of  b^T z + offset
///  subject to U^T z = -g and |z_i| <= 1.
struct L1Problem {
  MatrixView<const double> u;  ///< n x r, orthonormal columns or rows of such a matrix
  std::span<const double> b;   ///< n
  std::vector<double> g;       ///< r
  double offset = 0;
};

/// A primal point y (r) with its dual point z (n).
struct L1Point {
  std::vector<double> y, z;
  int iterations = 0;
  bool is_optimal_vertex = false;
  double objective = 0;  ///< over all rows, if the method computed it
};

/// min over y of  ||b - U y||_1.
L1Problem l1_problem(MatrixView<const double> u, std::span<const double> b);

/// sum_i |x_i|
double absolute_sum(std::span<const double> x);

/// A lower bound of  min over y of  ||b - U y||_1  for orthonormal columns of U: the objective of
/// the dual point that z becomes when it is projected on U^T z = 0 and scaled to |z_i| <= 1.
double l1_lower_bound(MatrixView<const double> u, std::span<const double> b, std::vector<double> z);

}  // namespace loewner::detail
