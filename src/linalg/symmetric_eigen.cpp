// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "detail/blas.hpp"

namespace loewner {
namespace {

// LAPACK leaves the sign open; fixing it makes results comparable between BLAS builds.
void fix_sign(std::span<double> vector) {
  const auto largest = std::ranges::max_element(vector, {}, [](double x) { return std::abs(x); });
  if (largest == vector.end() || *largest >= 0) return;
  for (double& x : vector) x = -x;
}

}  // namespace

SymmetricEigen symmetric_eigen(Matrix<double> g) {
  require(g.rows() == g.cols(), [&] {
    return "symmetric_eigen: a square matrix is needed, got " + std::to_string(g.rows()) + " x " +
           std::to_string(g.cols());
  });
  const Index d = g.rows();
  for (Index i = 0; i < d; ++i) {
    require(std::ranges::all_of(g.row(i), [](double x) { return std::isfinite(x); }),
            [&] { return "symmetric_eigen: row " + std::to_string(i) + " has a non-finite value"; });
  }
  SymmetricEigen result;
  require(blas::symmetric_eigen_in_place(g.view(), result.values),
          [] { return std::string("symmetric_eigen: LAPACK dsyevd did not converge"); });
  std::ranges::reverse(result.values);
  for (Index i = 0; i < d / 2; ++i) std::ranges::swap_ranges(g.row(i), g.row(d - 1 - i));
  for (Index i = 0; i < d; ++i) fix_sign(g.row(i));
  result.vectors_t = std::move(g);
  return result;
}

}  // namespace loewner
