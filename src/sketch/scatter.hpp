// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/base/matrix_view.hpp"
#include "loewner/linalg/csr_matrix.hpp"
#include "sketch/sign_table.hpp"

namespace loewner::detail {

/// out(place, :) += +-a(i, :) for every row i and each of its targets. Row i of `a` has the entries of
/// column first + i of `table`.
void scatter_rows(MatrixView<const float> a, const SignTable& table, Index first, MatrixView<double> out);
void scatter_rows(MatrixView<const double> a, const SignTable& table, Index first, MatrixView<double> out);

/// Adds to the places in [begin, end) only.
void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<float> out);
void scatter_rows_between(MatrixView<const float> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out);
void scatter_rows_between(MatrixView<const double> a, const SignTable& table, Index first, Index begin, Index end,
                          MatrixView<double> out);

/// Adds one target of every row.
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
