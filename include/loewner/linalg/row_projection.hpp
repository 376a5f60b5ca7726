// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// The product A V for V given by its transpose. For orthonormal V it is the left factor of the
/// row-wise l_2 projection B = (A V) V^T.
///
/// Shapes    a: n x d; vt: k x d; result: n x k, float32.
/// Method    one matrix product per row block.
/// Cost      2 n d k flops in float32.
/// Accuracy  float32: each entry to about sqrt(d) eps32 ||a_i|| for orthonormal V.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless vt has d columns.
Matrix<float> project_rows(const RowSource& a, MatrixView<const double> vt);

/// The product of project_rows as a RowSource that computes rows on demand, for results that are
/// streamed to a file.
class ProjectedRows final : public RowSource {
 public:
  ProjectedRows(std::shared_ptr<const RowSource> a, MatrixView<const double> vt);
  Index rows() const override { return a_->rows(); }
  Index cols() const override { return vt_.rows(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  std::shared_ptr<const RowSource> a_;
  Matrix<float> vt_;
};

}  // namespace loewner
