// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// A sparse matrix in compressed columns: column j has the entries values[k] in the rows
/// row_indices[k], col_offsets[j] <= k < col_offsets[j + 1], in ascending order of the rows.
struct CscMatrix {
  Index rows = 0;
  std::vector<std::int64_t> col_offsets{0};  // cols + 1
  std::vector<std::int32_t> row_indices;
  std::vector<double> values;

  Index cols() const { return static_cast<Index>(col_offsets.size()) - 1; }
};

}  // namespace loewner
