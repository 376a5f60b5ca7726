// SPDX-License-Identifier: Apache-2.0
#include "detail/krylov_range.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "detail/blas.hpp"
#include "detail/conversion.hpp"
#include "detail/gram_spectrum.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

std::string no_convergence(const char* caller) {
  return std::string(caller) + ": LAPACK dgesdd did not converge";
}

}  // namespace

void OrthonormalRange::append(MatrixView<const double> images, const Matrix<double>&) {
  const Matrix<double> r = rows_.append(transposed<double>(images), nullptr);
  for (Index i = 0; i < r.rows(); ++i) r_.emplace_back(r.row(i).begin(), r.row(i).end());
}

void OrthonormalRange::clear() {
  rows_.truncate(0);
  r_.clear();
}

// R^T with zero columns up to a square, so that all right vectors come out.
Matrix<double> OrthonormalRange::projected() const {
  const auto size = static_cast<Index>(r_.size());
  Matrix<double> r_t(size, size);
  for (Index j = 0; j < size; ++j) std::ranges::copy(r_[j], r_t.row(j).begin());
  return r_t;
}

Matrix<double> OrthonormalRange::gram() const {
  const Matrix<double> r_t = projected();
  return times_transposed(r_t.view(), r_t.view());
}

std::vector<double> OrthonormalRange::ritz_values() const {
  Matrix<double> r_t = projected();
  std::vector<double> values;
  require(blas::singular_values(r_t.view(), values), [&] { return no_convergence(caller_); });
  return values;
}

RitzTriples OrthonormalRange::ritz() const {
  Matrix<double> r_t = projected();
  RitzTriples ritz;
  Matrix<double> right, left_t;
  require(blas::thin_svd(r_t.view(), right, ritz.values, left_t), [&] { return no_convergence(caller_); });
  ritz.right_t = transposed<double>(right.view());
  ritz.left_t = Matrix<double>(left_t.rows(), rows_.size());
  for (Index i = 0; i < left_t.rows(); ++i) {
    std::ranges::copy(left_t.row(i).first(rows_.size()), ritz.left_t.row(i).begin());
  }
  return ritz;
}

void GramRange::append(MatrixView<const double> images, const Matrix<double>& inner) {
  LOEWNER_ASSERT(size_ + images.cols() <= rows_.rows());
  const Index before = size_, count = images.cols(), known = inner.rows();
  transpose_into(images, rows_.view().row_block(before, count));
  size_ += count;
  const Matrix<double> others = times_transposed(rows().row_block(before + known, count - known), rows());
  for (Index j = 0; j < count; ++j) {
    const auto row = j < known ? inner.row(j) : others.row(j - known);
    gram_.emplace_back(row.begin(), row.begin() + before + j + 1);
  }
}

void GramRange::clear() {
  size_ = 0;
  gram_.clear();
}

Matrix<double> GramRange::gram() const {
  Matrix<double> gram(size_, size_);
  for (Index j = 0; j < size_; ++j) {
    for (Index i = 0; i <= j; ++i) gram(i, j) = gram(j, i) = gram_[j][i];
  }
  return gram;
}

std::vector<double> GramRange::ritz_values() const {
  return singular_values_from_gram(gram(), caller_);
}

RitzTriples GramRange::ritz() const {
  SymmetricEigen eigen = symmetric_eigen(gram());
  RitzTriples ritz{.values = std::move(eigen.values), .right_t = std::move(eigen.vectors_t), .left_t = {}};
  ritz.left_t = ritz.right_t.clone();
  for (Index i = 0; i < size_; ++i) {
    double& value = ritz.values[i];
    value = std::sqrt(std::max(value, 0.0));
    for (double& x : ritz.left_t.row(i)) x = value > 0 ? x / value : 0;
  }
  return ritz;
}

}  // namespace loewner::detail
