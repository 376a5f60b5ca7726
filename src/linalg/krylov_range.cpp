// SPDX-License-Identifier: Apache-2.0
#include "linalg/krylov_range.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/gram_spectrum.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/vector_pieces.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

std::string no_convergence(const char* caller) {
  return std::string(caller) + ": LAPACK did not converge";
}

}  // namespace

void OrthonormalRange::append(Matrix<double> images, const Matrix<double>&) {
  const Matrix<double> r = rows_.append(transposed<double>(images.view()), nullptr);
  for (Index i = 0; i < r.rows(); ++i) r_.emplace_back(r.row(i).begin(), r.row(i).end());
}

void OrthonormalRange::clear() {
  rows_.truncate(0);
  r_.clear();
}

Matrix<double> OrthonormalRange::combined(MatrixView<const double> coefficients) const {
  Matrix<double> result = Matrix<double>::uninitialized(rows_.dimension(), coefficients.rows());
  for_each_piece(result.rows(), [&](Index first, Index count) {
    blas::gemm(blas::Op::transpose, blas::Op::transpose, 1.0, rows_.view().col_block(first, count), coefficients, 0.0,
               result.view().row_block(first, count));
  });
  return result;
}

// R^T with zero columns up to a square, so that the SVD has all right vectors.
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

void GramRange::append(Matrix<double> images, const Matrix<double>& inner) {
  const Index before = size_, count = images.cols(), known = inner.rows();
  blocks_.push_back(std::move(images));
  size_ += count;
  const Matrix<double> others =
      count > known ? products_with(blocks_.back().view().col_block(known, count - known)) : Matrix<double>();
  for (Index j = 0; j < count; ++j) {
    const auto row = j < known ? inner.row(j) : others.row(j - known);
    gram_.emplace_back(row.begin(), row.begin() + before + j + 1);
  }
}

// X times vectors, one row per vector.
Matrix<double> GramRange::products_with(MatrixView<const double> vectors) const {
  return parallel_matrix_sum(num_pieces(dimension_), vectors.cols(), size_, [&](Index piece, MatrixView<double> sum) {
    const Index first = piece * kPiece, count = length_of_piece(piece, dimension_);
    Index place = 0;
    for (const auto& block : blocks_) {
      blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, vectors.row_block(first, count),
                 block.view().row_block(first, count), 1.0, sum.col_block(place, block.cols()));
      place += block.cols();
    }
  });
}

Matrix<double> GramRange::combined(MatrixView<const double> coefficients) const {
  Matrix<double> result = Matrix<double>::uninitialized(dimension_, coefficients.rows());
  for_each_piece(dimension_, [&](Index first, Index count) {
    Index place = 0;
    for (const auto& block : blocks_) {
      blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, block.view().row_block(first, count),
                 coefficients.col_block(place, block.cols()), place > 0 ? 1.0 : 0.0,
                 result.view().row_block(first, count));
      place += block.cols();
    }
  });
  return result;
}

void GramRange::clear() {
  size_ = 0;
  blocks_.clear();
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
