// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/symmetric_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "linalg/blas.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kVectorsAtOnce = 384;  // with fewer, preparing the reflectors costs as much as applying them

// The sign of an eigenvector is arbitrary; a fixed sign makes results comparable between BLAS builds.
void fix_sign(std::span<double> vector) {
  const auto largest = std::ranges::max_element(vector, {}, [](double x) { return std::abs(x); });
  if (largest == vector.end() || *largest >= 0) return;
  for (double& x : vector) x = -x;
}

// A power of two that scales the largest entry to about 1 against over- and underflow; 1 for the zero matrix.
double scale_of(const Matrix<double>& g) {
  double largest = 0;
  for (Index i = 0; i < g.rows(); ++i) {
    for (const double x : g.row(i).subspan(i)) largest = std::max(largest, std::abs(x));
  }
  return largest > 0 ? std::exp2(-std::clamp(std::ilogb(largest), -1000, 1000)) : 1.0;
}

}  // namespace

SymmetricEigen symmetric_eigen(Matrix<double> g) {
  require(g.rows() == g.cols(), [&] {
    return "symmetric_eigen: the matrix must be square, got " + std::to_string(g.rows()) + " x " +
           std::to_string(g.cols());
  });
  const Index d = g.rows();
  for (Index i = 0; i < d; ++i) {
    require(std::ranges::all_of(g.row(i), [](double x) { return std::isfinite(x); }),
            [&] { return "symmetric_eigen: row " + std::to_string(i) + " has a non-finite value"; });
  }
  const double scale = scale_of(g);
  for (Index i = 0; i < d; ++i) {
    for (double& x : g.row(i)) x *= scale;
  }
  SymmetricEigen result{.values = {}, .vectors_t = Matrix<double>::uninitialized(d, d)};
  std::vector<double> beside, factors;
  Matrix<double>& vectors = result.vectors_t;
  blas::tridiagonal_form(g.view(), result.values, beside, factors);
  require(blas::tridiagonal_eigen(result.values, beside, vectors.view()),
          [] { return std::string("symmetric_eigen: LAPACK did not converge"); });
  parallel_for((d + kVectorsAtOnce - 1) / kVectorsAtOnce, [&](Index part) {
    const Index first = part * kVectorsAtOnce, count = std::min(kVectorsAtOnce, d - first);
    blas::multiply_by_householder(std::as_const(g).view(), factors, vectors.view().row_block(first, count));
    for (Index i = first; i < first + count; ++i) fix_sign(vectors.row(i));
  });
  std::ranges::reverse(result.values);
  for (double& value : result.values) value /= scale;
  for (Index i = 0; i < d / 2; ++i) std::ranges::swap_ranges(vectors.row(i), vectors.row(d - 1 - i));
  return result;
}

}  // namespace loewner
