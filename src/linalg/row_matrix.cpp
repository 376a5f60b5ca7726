// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/row_matrix.hpp"

#include <algorithm>
#include <cmath>

#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

[[noreturn]] void report(const std::string& what, Index row, Index column) {
  throw InvalidArgument(what + " has a non-finite value at row " + std::to_string(row) + ", column " +
                        std::to_string(column));
}

constexpr auto is_bad = [](auto x) { return !std::isfinite(x); };

template <typename T>
void require_finite_rows(MatrixView<const T> rows, Index first, const std::string& what) {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const auto bad = std::ranges::find_if(row, is_bad);
    if (bad != row.end()) report(what, first + i, bad - row.begin());
  }
}

template <typename T>
void require_finite_rows(CsrView<T> rows, Index first, const std::string& what) {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto values = rows.values_of(i);
    const auto bad = std::ranges::find_if(values, is_bad);
    if (bad != values.end()) report(what, first + i, rows.columns_of(i)[bad - values.begin()]);
  }
}

template <typename T>
void widen(MatrixView<const T> rows, MatrixView<double> out) {
  for (Index i = 0; i < rows.rows(); ++i) std::ranges::copy(rows.row(i), out.row(i).begin());
}

template <typename T>
void widen(CsrView<T> rows, MatrixView<double> out) {
  for (Index i = 0; i < rows.rows(); ++i) {
    std::ranges::fill(out.row(i), 0.0);
    const auto columns = rows.columns_of(i);
    const auto values = rows.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) out(i, columns[k]) += static_cast<double>(values[k]);
  }
}

}  // namespace

void require_finite(const RowMatrix& a, const std::string& what) {
  const Index n = a.rows(), per_block = rows_per_block(a.cols());
  parallel_for((n + per_block - 1) / per_block, [&](Index block) {
    const Index first = block * per_block;
    a.visit_rows(first, std::min(per_block, n - first),
                 [&](const auto& rows) { require_finite_rows(rows, first, what); });
  });
}

void read_rows_wide(const RowMatrix& a, Index first, MatrixView<double> out) {
  a.visit_rows(first, out.rows(), [&](const auto& rows) { widen(rows, out); });
}

}  // namespace loewner
