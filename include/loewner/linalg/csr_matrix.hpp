// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner {

/// A sparse matrix in compressed rows that somebody else owns: row i holds values[k] in column columns[k] for
/// row_offsets[i] <= k < row_offsets[i + 1]. Columns of a row may come in any order; entries of the same place add up.
///
/// Errors    `checked`: InvalidArgument that names the first place where the structure breaks a rule. A view that was
///           made without it must be known to be sound.
template <typename T>
class CsrView {
 public:
  CsrView() = default;

  /// rows: row_offsets.size() - 1.
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
