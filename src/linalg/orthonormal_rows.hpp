// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/random.hpp"

namespace loewner::detail {

/// Rows of independent standard normals; each is a function of (seed, purpose, number of earlier rows).
class GaussianRows {
 public:
  GaussianRows(std::uint64_t seed, RandomPurpose purpose) : seed_(seed), purpose_(purpose) {}
  void fill(std::span<double> row);
  Matrix<double> draw(Index rows, Index dimension);

 private:
  std::uint64_t seed_;
  RandomPurpose purpose_;
  std::uint64_t drawn_ = 0;
};

/// A growing set of orthonormal vectors, one per row.
///
/// Method    block Gram-Schmidt against the existing rows and Gram-Schmidt inside the block, at least twice, and again
///           while a row loses more than half of its length: the result is orthogonal to rounding
///           [GiraudLangouRozloznik2005]. A row that keeps less than kDependent of its length lies in the span: it is
///           replaced by a random one (refill) or dropped.
/// Random    the same bits for any number of threads.
class OrthonormalRows {
 public:
  static constexpr double kDependent = 1e-13;

  OrthonormalRows() = default;
  /// capacity: the largest number of rows.
  OrthonormalRows(Index capacity, Index dimension) : rows_(Matrix<double>::uninitialized(capacity, dimension)) {}

  Index size() const { return size_; }
  Index dimension() const { return rows_.cols(); }
  MatrixView<const double> view() const { return rows_.view().row_block(0, size_); }
  MatrixView<const double> view(Index first, Index count) const { return rows_.view().row_block(first, count); }

  /// Appends rows so that block = L rows, and returns L (block.rows() x size()). Dependent rows are dropped if `refill`
  /// is null. The number of rows never exceeds the dimension.
  Matrix<double> append(Matrix<double> block, GaussianRows* refill);

  /// Forgets all rows from `size` on.
  void truncate(Index size) { size_ = size; }

 private:
  void store(const Matrix<double>& block);

  Matrix<double> rows_;  // capacity x dimension
  Index size_ = 0;
};

/// a b^T for long rows, in parallel over fixed pieces of the columns.
Matrix<double> times_transposed(MatrixView<const double> a, MatrixView<const double> b);
/// c += alpha a b for long rows of b, in parallel over fixed pieces of the columns.
void add_product(double alpha, MatrixView<const double> a, MatrixView<const double> b, MatrixView<double> c);

}  // namespace loewner::detail
