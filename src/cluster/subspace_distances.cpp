// SPDX-License-Identifier: Apache-2.0
#include "cluster/subspace_distances.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/squared_norm.hpp"

namespace loewner::detail {
namespace {

// Below this share of ||a||^2 the difference of squares has fewer than two correct digits in
// float32.
constexpr double kCancellation = 1e-4;

bool uses_complement(const Frame& frame) {
  return 2 * frame.dimension >= frame.vectors_t.cols();
}

// The basis vectors outside the subspace or, if they are fewer, those inside.
MatrixView<const double> shorter_part(const Frame& frame) {
  const Index d = frame.vectors_t.rows(), j = frame.dimension;
  return uses_complement(frame) ? frame.vectors_t.row_block(j, d - j) : frame.vectors_t.row_block(0, j);
}

// The shorter parts of all frames, one below the other.
Matrix<float> stacked_parts(std::span<const Frame> frames, Index d) {
  Index count = 0;
  for (const Frame& frame : frames) count += shorter_part(frame).rows();
  Matrix<float> stack = Matrix<float>::uninitialized(count, d);
  Index row = 0;
  for (const Frame& frame : frames) {
    const auto part = shorter_part(frame);
    for (Index i = 0; i < part.rows(); ++i, ++row) {
      std::ranges::transform(part.row(i), stack.row(row).begin(), [](double x) { return static_cast<float>(x); });
    }
  }
  return stack;
}

// Squared distances of a few rows of a block, from residuals in float64.
void recompute_distances(MatrixView<const float> rows, std::span<const Index> chosen, const Frame& frame, Index column,
                         MatrixView<double> out) {
  const auto vt = frame.vectors_t.row_block(0, frame.dimension);
  const auto count = static_cast<Index>(chosen.size());
  Matrix<double> residuals = Matrix<double>::uninitialized(count, rows.cols());
  for (Index i = 0; i < count; ++i) std::ranges::copy(rows.row(chosen[i]), residuals.row(i).begin());
  Matrix<double> inside = Matrix<double>::uninitialized(count, frame.dimension);
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, std::as_const(residuals).view(), vt, 0.0, inside.view());
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, std::as_const(inside).view(), vt, 1.0, residuals.view());
  for (Index i = 0; i < count; ++i) {
    const auto residual = residuals.row(i);
    out(chosen[i], column) = lane_sum(rows.cols(), [&](Index j) { return residual[j] * residual[j]; });
  }
}

void block_distances(MatrixView<const float> rows, std::span<const Frame> frames, MatrixView<const float> parts,
                     MatrixView<double> out) {
  Matrix<float> coordinates = Matrix<float>::uninitialized(rows.rows(), parts.rows());
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, rows, parts, 0.0F, coordinates.view());
  std::vector<double> norms(rows.rows());
  for (Index i = 0; i < rows.rows(); ++i) norms[i] = squared_norm<float>(rows.row(i));
  Index first = 0;
  for (std::size_t l = 0; l < frames.size(); ++l) {
    const auto column = static_cast<Index>(l), width = shorter_part(frames[l]).rows();
    const bool complement = uses_complement(frames[l]);
    std::vector<Index> inaccurate;
    for (Index i = 0; i < rows.rows(); ++i) {
      const double part = squared_norm<float>(coordinates.row(i).subspan(first, width));
      const double distance = complement ? part : norms[i] - part;
      out(i, column) = distance;
      const bool is_inaccurate = !std::isfinite(part) || (!complement && distance < kCancellation * norms[i]);
      if (is_inaccurate) inaccurate.push_back(i);
    }
    if (!inaccurate.empty()) recompute_distances(rows, inaccurate, frames[l], column, out);
    first += width;
  }
}

}  // namespace

Matrix<double> squared_distances(const RowSource& a, std::span<const Frame> frames) {
  const Matrix<float> parts = stacked_parts(frames, a.cols());
  Matrix<double> distances = Matrix<double>::uninitialized(a.rows(), static_cast<Index>(frames.size()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    block_distances(rows, frames, parts.view(), distances.view().row_block(first, rows.rows()));
  });
  return distances;
}

}  // namespace loewner::detail
