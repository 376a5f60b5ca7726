// SPDX-License-Identifier: Apache-2.0
#include "regression/row_basis.hpp"

#include <algorithm>

#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner::detail {
namespace {

constexpr int kReplacementsPerFactorization = 50;

}  // namespace

RowBasis::RowBasis(Index dimension)
    : rows_(dimension, dimension), q_(dimension, dimension), r_(dimension, dimension), inverse_(dimension, dimension) {}

// Gram-Schmidt twice, which is enough for orthogonality to rounding; returns the sine of the angle
// to the span.
double RowBasis::orthogonalize(std::span<const double> row) {
  throw_if_cancelled();
  const auto q = q_.row(size_);
  std::ranges::copy(row, q.begin());
  const double before = euclidean_norm(row);
  for (Index k = 0; k < size_; ++k) r_(k, size_) = 0;
  for (int pass = 0; pass < 2; ++pass) {
    for (Index k = 0; k < size_; ++k) {
      const double part = dot(q, q_.row(k));
      r_(k, size_) += part;
      add_scaled(-part, q_.row(k), q);
    }
  }
  const double after = euclidean_norm(q);
  r_(size_, size_) = after;
  if (after > 0) {
    for (double& x : q) x /= after;
  }
  return before > 0 ? after / before : 0.0;
}

bool RowBasis::add(std::span<const double> row, double least_sine) {
  if (is_complete() || !(orthogonalize(row) > least_sine)) return false;
  std::ranges::copy(row, rows_.row(size_).begin());
  ++size_;
  return true;
}

void RowBasis::factorize() {
  LOEWNER_ASSERT(is_complete());
  size_ = 0;
  for (Index k = 0; k < rows_.rows(); ++k, ++size_) orthogonalize(rows_.row(k));
  const Matrix<double> triangle = blas::inverse_of_upper(r_.view());
  blas::gemm(blas::Op::transpose, blas::Op::transpose, 1.0, q_.view(), triangle.view(), 0.0, inverse_.view());
  replacements_ = 0;
}

std::vector<double> RowBasis::coefficients(std::span<const double> row) const {
  std::vector<double> out(row.size(), 0.0);
  for (std::size_t k = 0; k < row.size(); ++k) add_scaled(row[k], inverse_.row(static_cast<Index>(k)), out);
  return out;
}

std::vector<double> RowBasis::solve(std::span<const double> values) const {
  std::vector<double> out(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) out[k] = dot(inverse_.row(static_cast<Index>(k)), values);
  return out;
}

std::vector<double> RowBasis::direction(Index k) const {
  std::vector<double> out(inverse_.rows());
  for (Index i = 0; i < inverse_.rows(); ++i) out[i] = inverse_(i, k);
  return out;
}

// Sherman-Morrison: B' = B + e_k (row - b_k)^T.
void RowBasis::replace(Index k, std::span<const double> row, std::span<const double> coefficients) {
  std::ranges::copy(row, rows_.row(k).begin());
  if (++replacements_ >= kReplacementsPerFactorization) return factorize();
  std::vector<double> change(coefficients.begin(), coefficients.end());
  change[k] -= 1;
  for (Index i = 0; i < inverse_.rows(); ++i) {
    add_scaled(-inverse_(i, k) / coefficients[k], change, inverse_.row(i));
  }
}

}  // namespace loewner::detail
