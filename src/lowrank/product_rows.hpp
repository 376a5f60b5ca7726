// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "linalg/blas.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// left * right as a RowSource. Rows are multiplied when they are read.
///
/// Shapes    left: n x k; right: k x d. Both must outlive this object.
class ProductRows final : public RowSource {
 public:
  ProductRows(MatrixView<const float> left, MatrixView<const float> right) : left_(left), right_(right) {
    LOEWNER_ASSERT(left.cols() == right.rows());
  }
  Index rows() const override { return left_.rows(); }
  Index cols() const override { return right_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    buffer = Matrix<float>::uninitialized(count, cols());
    blas::gemm(blas::Op::none, blas::Op::none, 1.0F, left_.row_block(first, count), right_, 0.0F, buffer.view());
    return buffer.view();
  }

 private:
  MatrixView<const float> left_, right_;
};

}  // namespace loewner::detail
