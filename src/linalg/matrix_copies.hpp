// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "loewner/base/matrix.hpp"
#include "loewner/base/parallel.hpp"

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

/// A copy of the first `count` rows.
template <typename T>
Matrix<T> leading_rows(MatrixView<const T> a, Index count) {
  Matrix<T> result = Matrix<T>::uninitialized(count, a.cols());
  for (Index i = 0; i < count; ++i) std::ranges::copy(a.row(i), result.row(i).begin());
  return result;
}

template <typename T>
void transpose_into(MatrixView<const T> a, MatrixView<T> result) {
  constexpr Index kStrip = 32;   // columns whose cache lines stay in the cache for the other rows
  constexpr Index kRows = 4096;  // per task
  parallel_for((a.rows() + kRows - 1) / kRows, [&](Index block) {
    const Index begin = block * kRows, end = std::min(begin + kRows, a.rows());
    for (Index first = 0; first < a.cols(); first += kStrip) {
      const Index last = std::min(first + kStrip, a.cols());
      for (Index i = begin; i < end; ++i) {
        for (Index j = first; j < last; ++j) result(j, i) = a(i, j);
      }
    }
  });
}

template <typename T>
Matrix<T> transposed(MatrixView<const T> a) {
  Matrix<T> result = Matrix<T>::uninitialized(a.cols(), a.rows());
  transpose_into(a, result.view());
  return result;
}

}  // namespace loewner::detail
