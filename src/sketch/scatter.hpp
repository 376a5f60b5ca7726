// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix_view.hpp"
#include "loewner/linalg/csr_matrix.hpp"

namespace loewner::detail {

/// Where the rows of a matrix are added and with which sign: `targets` entries per row, each 2 * place + (1 if
/// negative).
struct SignTable {
  Index targets = 0;
  std::vector<std::uint32_t> entries;

  const std::uint32_t* of(Index row) const { return entries.data() + row * targets; }
};

/// out(place, :) += +-a(i, :) for every row i and target of it. The entries of `table` for row i are those of
/// first + i.
void scatter_rows(MatrixView<const float> a, const SignTable& table, Index first, MatrixView<double> out);
void scatter_rows(MatrixView<const double> a, const SignTable& table, Index first, MatrixView<double> out);

/// The same for those places only that lie in [begin, end).
void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<float> out);
void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out);
void scatter_rows_between(MatrixView<const double> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out);

/// The same for one target number of every row.
template <typename T>
void scatter_target(CsrView<T> a, const SignTable& table, Index target, MatrixView<double> out) {
  for (Index i = 0; i < a.rows(); ++i) {
    const std::uint32_t entry = table.of(i)[target];
    const double sign = (entry & 1) ? -1.0 : 1.0;
    double* const place = out.row(entry >> 1).data();
    const auto columns = a.columns_of(i);
    const auto values = a.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) place[columns[k]] += sign * static_cast<double>(values[k]);
  }
}

}  // namespace loewner::detail
