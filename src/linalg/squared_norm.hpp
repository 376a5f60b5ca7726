// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "linalg/row_kernels.hpp"
#include "loewner/base/matrix_view.hpp"
#include "loewner/linalg/csr_matrix.hpp"

namespace loewner::detail {

/// Sum of the squares of the entries, in float64.
template <typename T>
double squared_norm(std::span<const T> x) {
  return squared_length(x);
}

template <typename T>
double squared_norm(MatrixView<const T> rows) {
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) sum += squared_norm<T>(rows.row(i));
  return sum;
}

/// Adds entries at the same position before it squares them; memory cols doubles.
template <typename T>
double squared_norm(CsrView<T> rows) {
  std::vector<double> row(rows.cols());
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto columns = rows.columns_of(i);
    const auto values = rows.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) row[columns[k]] += static_cast<double>(values[k]);
    for (const auto column : columns) {
      sum += row[column] * row[column];
      row[column] = 0;
    }
  }
  return sum;
}

}  // namespace loewner::detail
