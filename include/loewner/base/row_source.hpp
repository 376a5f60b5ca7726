// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "loewner/base/matrix.hpp"
#include "loewner/base/matrix_view.hpp"

namespace loewner {

/// A matrix that is read by blocks of rows as float32, from memory, from a file, or computed on
/// demand. Solvers that need only passes over the rows take a RowSource, so matrices larger than
/// memory need no special case. Several threads call `read_rows` at once.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Index rows() const = 0;
  virtual Index cols() const = 0;

  /// Rows first ... first + count - 1 (count x cols): a view of the source's own memory if it has
  /// any, otherwise of `buffer`, which is resized and filled. Valid as long as the source and the
  /// buffer.
  virtual MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const = 0;
};

/// A view of a matrix in memory as a RowSource, without a copy.
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

/// A RowSource that owns its matrix.
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

/// The number of rows of a block in the loops below: about 1 MiB of float32. It depends on the
/// width only, so sums over blocks have the same bits on every machine.
///
/// Errors    none.
Index rows_per_block(Index cols);

/// The number of blocks of for_each_row_block.
///
/// Shapes    a: n x d.
/// Method    n / rows_per_block(d), rounded up.
/// Cost      O(1); reads no row.
/// Accuracy  exact.
/// Errors    none.
Index num_row_blocks(const RowSource& a);

/// Calls body(block index, first row, rows of the block) for all row blocks of `a`, in parallel.
///
/// Shapes    a: n x d; rows: up to rows_per_block(d) x d.
/// Method    parallel_for over the blocks. Each block has a buffer of its own.
/// Cost      one pass; memory one row block for each thread, unless `a` has its rows in memory.
/// Accuracy  exact: the rows as a.read_rows() gives them.
/// Random    as parallel_for.
/// Errors    as parallel_for, for those of `body` and of a.read_rows().
void for_each_row_block(const RowSource& a,
                        const std::function<void(Index block, Index first, MatrixView<const float> rows)>& body);

/// The sum over the row blocks of body(first row, rows of the block), in parallel.
///
/// Shapes    a: n x d; rows: up to rows_per_block(d) x d.
/// Method    for_each_row_block; keeps one number for each block.
/// Cost      that of for_each_row_block.
/// Accuracy  one float64 addition for each block.
/// Random    none; the blocks are added in order: the same bits for any number of threads.
/// Errors    as for_each_row_block.
double sum_over_row_blocks(const RowSource& a,
                           const std::function<double(Index first, MatrixView<const float> rows)>& body);

/// Reads all rows into memory.
///
/// Shapes    a: n x d; result: n x d.
/// Method    for_each_row_block.
/// Cost      one pass; memory n d floats.
/// Accuracy  exact.
/// Errors    those of a.read_rows(); std::bad_alloc when memory runs out.
Matrix<float> read_all(const RowSource& a);

/// Checks that a matrix has no NaN and no infinity.
///
/// Shapes    a: n x d.
/// Method    for_each_row_block; looks for exponents of all ones.
/// Cost      one pass.
/// Accuracy  exact.
/// Errors    InvalidArgument "<what> has a non-finite value at row i, column j", naming the first
///           one.
void require_finite(const RowSource& a, const std::string& what);

/// Checks rows of a matrix in the same way; the first of them is row `first` of the matrix.
///
/// Shapes    rows: any number of rows of the matrix.
/// Method    looks for exponents of all ones, on the calling thread.
/// Cost      one pass.
/// Accuracy  exact.
/// Errors    as require_finite, with the row number in the matrix.
void require_finite_rows(MatrixView<const float> rows, Index first, const std::string& what);

}  // namespace loewner
