// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/csr_matrix.hpp"

#include <algorithm>
#include <limits>

namespace loewner {
namespace {

void require_sound_offsets(std::span<const std::int64_t> offsets, std::size_t num_values, const std::string& what) {
  require(!offsets.empty() && offsets.front() == 0,
          [&] { return what + ": row_offsets must have rows + 1 values and start with 0"; });
  const auto fall = std::ranges::is_sorted_until(offsets);
  require(fall == offsets.end(), [&] {
    return what + ": row_offsets must not decrease, but row_offsets[" + std::to_string(fall - offsets.begin()) +
           "] = " + std::to_string(*fall) + " follows " + std::to_string(*(fall - 1));
  });
  require(offsets.back() == static_cast<std::int64_t>(num_values), [&] {
    return what + ": row_offsets must end with the number of values, " + std::to_string(num_values) + ", got " +
           std::to_string(offsets.back());
  });
}

void require_sound_columns(std::span<const std::int32_t> columns, Index cols, const std::string& what) {
  std::uint32_t largest = 0;  // negative columns are the largest as unsigned; no branch per entry
  for (const std::int32_t column : columns) largest = std::max(largest, static_cast<std::uint32_t>(column));
  if (columns.empty() || static_cast<Index>(largest) < cols) return;
  const auto bad = std::ranges::find_if(columns, [&](std::int32_t column) { return column < 0 || column >= cols; });
  throw InvalidArgument(what + ": columns must be in [0, " + std::to_string(cols) + "), got columns[" +
                        std::to_string(bad - columns.begin()) + "] = " + std::to_string(*bad));
}

}  // namespace

template <typename T>
CsrView<T> CsrView<T>::checked(Index cols, std::span<const std::int64_t> row_offsets,
                               std::span<const std::int32_t> columns, std::span<const T> values,
                               const std::string& what) {
  require(cols >= 0 && cols <= std::numeric_limits<std::int32_t>::max(),
          [&] { return what + ": the number of columns must be in [0, 2^31), got " + std::to_string(cols); });
  require(columns.size() == values.size(), [&] {
    return what + ": expected one column per value (" + std::to_string(values.size()) + "), got " +
           std::to_string(columns.size());
  });
  require_sound_offsets(row_offsets, values.size(), what);
  require_sound_columns(columns, cols, what);
  CsrView view;
  view.offsets_ = row_offsets.data();
  view.columns_ = columns.data();
  view.values_ = values.data();
  view.rows_ = static_cast<Index>(row_offsets.size()) - 1;
  view.cols_ = cols;
  return view;
}

template class CsrView<float>;
template class CsrView<double>;

}  // namespace loewner
