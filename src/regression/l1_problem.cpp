// SPDX-License-Identifier: Apache-2.0
#include "regression/l1_problem.hpp"

#include <algorithm>
#include <cmath>

#include "base/lane_sum.hpp"
#include "linalg/row_kernels.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {

L1Problem l1_problem(MatrixView<const double> u, std::span<const double> b) {
  return {.u = u, .b = b, .g = std::vector<double>(u.cols(), 0.0)};
}

double absolute_sum(std::span<const double> x) {
  return lane_sum(static_cast<Index>(x.size()), [&](Index i) { return std::abs(x[i]); });
}

double l1_lower_bound(MatrixView<const double> u, std::span<const double> b, std::vector<double> z) {
  const std::vector<double> off = multiply_transposed(u, z);
  const std::vector<double> correction = multiply(u, off);
  double largest = 1;
  for (std::size_t i = 0; i < z.size(); ++i) {
    z[i] -= correction[i];
    largest = std::max(largest, std::abs(z[i]));
  }
  return dot(b, z) / largest;
}

}  // namespace loewner::detail
