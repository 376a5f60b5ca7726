// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// A copy in float32, rounded to nearest.
inline Matrix<float> narrowed(MatrixView<const double> a) {
  Matrix<float> result = Matrix<float>::uninitialized(a.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    std::ranges::transform(a.row(i), result.row(i).begin(), [](double x) { return static_cast<float>(x); });
  }
  return result;
}

/// A copy in float64, exact.
inline Matrix<double> widened(MatrixView<const float> a) {
  Matrix<double> result = Matrix<double>::uninitialized(a.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) std::ranges::copy(a.row(i), result.row(i).begin());
  return result;
}

}  // namespace loewner::detail
