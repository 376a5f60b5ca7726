// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "loewner/base/row_source.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner::detail {

/// Copies the rows a[indices[0]], a[indices[1]], ... to out. Runs of consecutive indices are read at once, so ascending
/// indices need few reads of a file.
inline void gather_rows(const RowSource& a, std::span<const Index> indices, MatrixView<float> out) {
  Matrix<float> buffer;
  const auto count = static_cast<Index>(indices.size());
  for (Index first = 0; first < count;) {
    Index last = first + 1;
    while (last < count && indices[last] == indices[last - 1] + 1) ++last;
    const auto rows = a.read_rows(indices[first], last - first, buffer);
    for (Index i = first; i < last; ++i) std::ranges::copy(rows.row(i - first), out.row(i).begin());
    first = last;
  }
}

/// The rows a[indices[0]], a[indices[1]], ... of a source as a RowSource.
class GatheredRows final : public RowSource {
 public:
  GatheredRows(std::shared_ptr<const RowSource> a, std::vector<Index> indices)
      : a_(std::move(a)), indices_(std::move(indices)) {}
  /// For a source that outlives this object.
  GatheredRows(const RowSource& a, std::vector<Index> indices)
      : GatheredRows(std::shared_ptr<const RowSource>(std::shared_ptr<void>(), &a), std::move(indices)) {}

  Index rows() const override { return static_cast<Index>(indices_.size()); }
  Index cols() const override { return a_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
    gather_rows(*a_, std::span(indices_).subspan(first, count), buffer.view());
    return std::as_const(buffer).view();
  }

 private:
  std::shared_ptr<const RowSource> a_;
  std::vector<Index> indices_;
};

/// The rows a[indices[0]], a[indices[1]], ... in float64.
inline Matrix<double> gathered_rows_wide(const RowMatrix& a, std::span<const Index> indices) {
  Matrix<double> out(static_cast<Index>(indices.size()), a.cols());
  for (Index i = 0; i < out.rows(); ++i) read_rows_wide(a, indices[i], out.view().row_block(i, 1));
  return out;
}

/// values[indices[0]], values[indices[1]], ...; nothing for empty values.
inline std::vector<double> gathered(std::span<const double> values, std::span<const Index> indices) {
  std::vector<double> result;
  if (values.empty()) return result;
  result.reserve(indices.size());
  for (const Index i : indices) result.push_back(values[i]);
  return result;
}

}  // namespace loewner::detail
