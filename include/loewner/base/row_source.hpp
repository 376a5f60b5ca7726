// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"

namespace loewner {

/// A matrix that can be read by blocks of rows as float32, wherever it lies: in memory, in a file, or computed on the
/// way.
///
/// Every solver that needs no more than passes over the rows takes one of these, so that a table larger than memory is
/// no special case. `read_rows` is called from several threads at once and must be safe for that.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Index rows() const = 0;
  virtual Index cols() const = 0;

  /// Rows first ... first + count - 1 (count x cols): a view of the source's own memory where it has one, else
  /// `buffer`, resized as needed and filled. The view lives as long as the source and the buffer.
  virtual MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const = 0;
};

/// A matrix in memory as a RowSource; no copy is made.
class DenseRows final : public RowSource {
 public:
  explicit DenseRows(MatrixView<const float> a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    return a_.row_block(first, count);
  }

 private:
  MatrixView<const float> a_;
};

/// A matrix in memory that the source keeps alive.
class OwnedRows final : public RowSource {
 public:
  explicit OwnedRows(Matrix<float> a) : a_(std::move(a)) {}
  MatrixView<const float> view() const { return a_.view(); }
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    return a_.view().row_block(first, count);
  }

 private:
  Matrix<float> a_;
};

/// Rows of one block of the loops below: about 1 MiB of float32, a function of the width only, so that sums over blocks
/// do not depend on the machine.
Index rows_per_block(Index cols);

/// Number of blocks that for_each_row_block hands out.
Index num_row_blocks(const RowSource& a);

/// Calls body(block index, first row, rows of the block) for all row blocks of `a`, in parallel (rules of
/// parallel_for).
void for_each_row_block(const RowSource& a,
                        const std::function<void(Index block, Index first, MatrixView<const float> rows)>& body);

/// sum over the blocks of body(first row, rows of the block), added in block order: the same bits for any number of
/// threads.
double sum_over_row_blocks(const RowSource& a,
                           const std::function<double(Index first, MatrixView<const float> rows)>& body);

/// Reads all rows into memory (rows x cols).
Matrix<float> read_all(const RowSource& a);

/// Throws InvalidArgument "<what> has a non-finite value at row i, column j" (the first one) if there is a NaN or an
/// infinity.
void require_finite(const RowSource& a, const std::string& what);

/// The same for a block whose first row is row `first` of the matrix.
void require_finite_rows(MatrixView<const float> rows, Index first, const std::string& what);

}  // namespace loewner
