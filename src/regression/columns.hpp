// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// A copy of column j.
inline std::vector<double> column_of(MatrixView<const double> a, Index j) {
  std::vector<double> values(a.rows());
  for (Index i = 0; i < a.rows(); ++i) values[i] = a(i, j);
  return values;
}

/// max_i |a_ij| for every column j.
inline std::vector<double> column_maxima(const Matrix<double>& a) {
  std::vector<double> maxima(a.cols(), 0.0);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) maxima[j] = std::max(maxima[j], std::abs(a(i, j)));
  }
  return maxima;
}

/// a_ij *= factors[j]
inline void scale_columns(std::span<const double> factors, Matrix<double>& a) {
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) a(i, j) *= factors[j];
  }
}

}  // namespace loewner::detail
