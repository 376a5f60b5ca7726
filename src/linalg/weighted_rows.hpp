// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// sqrt(W) A in float32 as a RowSource. A and the weights must outlive it.
class WeightedRows final : public RowSource {
 public:
  WeightedRows(const RowSource& a, std::span<const double> row_weights) : a_(a), row_weights_(row_weights) {}

  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    if (row_weights_.empty()) return a_.read_rows(first, count, buffer);
    Matrix<float> own;
    const auto rows = a_.read_rows(first, count, own);
    if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
    for (Index i = 0; i < count; ++i) {
      const auto scale = static_cast<float>(std::sqrt(row_weights_[first + i]));
      std::ranges::transform(rows.row(i), buffer.row(i).begin(), [&](float x) { return scale * x; });
    }
    return std::as_const(buffer).view();
  }

 private:
  const RowSource& a_;
  std::span<const double> row_weights_;
};

}  // namespace loewner::detail
