// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner {

/// A view of a sparse matrix in compressed rows: row i has the entries values[k] in the columns
/// columns[k], row_offsets[i] <= k < row_offsets[i + 1]. The columns of a row may have any order;
/// several entries at the same position are added.
template <typename T>
class CsrView {
 public:
  CsrView() = default;

  /// A view of the three arrays after a check of their structure.
  ///
  /// Shapes    row_offsets: rows + 1 values; columns, values: one per entry.
  /// Cost      one pass over row_offsets and columns.
  /// Errors    InvalidArgument "<what>: ..." naming the first offset or column that is out of
  ///           range.
  static CsrView checked(Index cols, std::span<const std::int64_t> row_offsets, std::span<const std::int32_t> columns,
                         std::span<const T> values, const std::string& what = "CSR matrix");

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index nonzeros() const { return rows_ == 0 ? 0 : offsets_[rows_] - offsets_[0]; }

  std::span<const std::int32_t> columns_of(Index row) const { return {columns_ + offsets_[row], size_of(row)}; }
  std::span<const T> values_of(Index row) const { return {values_ + offsets_[row], size_of(row)}; }

  CsrView row_block(Index first, Index count) const {
    LOEWNER_ASSERT(first >= 0 && count >= 0 && first + count <= rows_);
    CsrView block = *this;
    block.offsets_ += first;
    block.rows_ = count;
    return block;
  }

 private:
  std::size_t size_of(Index row) const { return static_cast<std::size_t>(offsets_[row + 1] - offsets_[row]); }

  const std::int64_t* offsets_ = nullptr;
  const std::int32_t* columns_ = nullptr;
  const T* values_ = nullptr;
  Index rows_ = 0;
  Index cols_ = 0;
};

}  // namespace loewner
