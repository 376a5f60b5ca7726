// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <type_traits>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner {

/// A row-major matrix that another object owns: the entries of a row are adjacent, rows are
/// `stride` entries apart. A view copies no entries and must not outlive their owner.
template <typename T>
class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(T* data, Index rows, Index cols, Index stride) : data_(data), rows_(rows), cols_(cols), stride_(stride) {
    LOEWNER_ASSERT(rows >= 0 && cols >= 0 && stride >= cols);
  }
  MatrixView(T* data, Index rows, Index cols) : MatrixView(data, rows, cols, cols) {}

  /// A mutable view converts to a read-only one.
  operator MatrixView<const T>() const requires(!std::is_const_v<T>) { return {data_, rows_, cols_, stride_}; }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index stride() const { return stride_; }
  bool empty() const { return rows_ == 0 || cols_ == 0; }
  T* data() const { return data_; }

  T& operator()(Index row, Index col) const {
    LOEWNER_ASSERT(row >= 0 && row < rows_ && col >= 0 && col < cols_);
    return data_[row * stride_ + col];
  }
  std::span<T> row(Index i) const {
    LOEWNER_ASSERT(i >= 0 && i < rows_);
    return {data_ + i * stride_, static_cast<std::size_t>(cols_)};
  }
  MatrixView row_block(Index first, Index count) const {
    LOEWNER_ASSERT(first >= 0 && count >= 0 && first + count <= rows_);
    return {data_ + first * stride_, count, cols_, stride_};
  }
  MatrixView col_block(Index first, Index count) const {
    LOEWNER_ASSERT(first >= 0 && count >= 0 && first + count <= cols_);
    return {data_ + first, rows_, count, stride_};
  }

 private:
  T* data_ = nullptr;
  Index rows_ = 0;
  Index cols_ = 0;
  Index stride_ = 0;
};

}  // namespace loewner
