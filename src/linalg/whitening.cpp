// SPDX-License-Identifier: Apache-2.0
#include "linalg/whitening.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/squared_norm.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

constexpr double kRankLimit = 1e-12;  // eigenvalues of Q below this fraction of the largest are treated as 0

double trace(const Matrix<double>& q) {
  double sum = 0;
  for (Index i = 0; i < q.rows(); ++i) sum += q(i, i);
  return sum;
}

Whitening whitening_by_eigenvectors(Matrix<double> q) {
  const double size = trace(q);
  const SymmetricEigen eigen = symmetric_eigen(std::move(q));
  const Index rank = std::ranges::count_if(
      eigen.values, [&](double value) { return value > 0 && value > kRankLimit * eigen.values.front(); });
  Whitening whitening{.t = Matrix<double>(eigen.vectors_t.rows(), rank)};
  for (Index j = 0; j < rank; ++j) {
    const double scale = 1 / std::sqrt(eigen.values[j]);
    for (Index i = 0; i < whitening.t.rows(); ++i) whitening.t(i, j) = scale * eigen.vectors_t(j, i);
  }
  whitening.condition = size * squared_norm(std::as_const(whitening.t).view());
  return whitening;
}

template <typename T, typename Real>
void multiply(MatrixView<const T> rows, MatrixView<const Real> t, bool upper, MatrixView<Real> y) {
  if (upper) {
    for (Index i = 0; i < rows.rows(); ++i) std::ranges::copy(rows.row(i), y.row(i).begin());
    blas::multiply_by_upper(t, y);
  } else if constexpr (std::is_same_v<T, Real>) {
    blas::gemm(blas::Op::none, blas::Op::none, Real{1}, rows, t, Real{0}, y);
  } else {
    const Matrix<Real> wide = widened(rows);
    multiply(wide.view(), t, upper, y);
  }
}

}  // namespace

std::optional<Whitening> whitening_by_cholesky(Matrix<double> q, double condition_limit) {
  const double size = trace(q);
  if (!blas::cholesky_upper(q.view())) return std::nullopt;
  Whitening whitening{.t = blas::inverse_of_upper(q.view()), .upper = true};
  whitening.condition = size * squared_norm(std::as_const(whitening.t).view());
  if (!(whitening.condition <= condition_limit)) return std::nullopt;
  return whitening;
}

Whitening whitening_of(const Matrix<double>& q) {
  auto fast = whitening_by_cholesky(q.clone(), 1 / kRankLimit);
  return fast ? std::move(*fast) : whitening_by_eigenvectors(q.clone());
}

void whiten_rows(MatrixView<const double> rows, MatrixView<const double> t, bool upper, MatrixView<double> y) {
  multiply(rows, t, upper, y);
}

void whiten_rows(MatrixView<const float> rows, MatrixView<const double> t, bool upper, MatrixView<double> y) {
  multiply(rows, t, upper, y);
}

void whiten_rows(MatrixView<const float> rows, MatrixView<const float> t, bool upper, MatrixView<float> y) {
  multiply(rows, t, upper, y);
}

}  // namespace loewner::detail
