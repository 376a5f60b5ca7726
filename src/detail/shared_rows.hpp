// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// A matrix shared between an encoding and the arrays that are being written from it.
class SharedRows final : public RowSource {
 public:
  explicit SharedRows(std::shared_ptr<const Matrix<float>> a) : a_(std::move(a)) {}
  Index rows() const override { return a_->rows(); }
  Index cols() const override { return a_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    return a_->view().row_block(first, count);
  }

 private:
  std::shared_ptr<const Matrix<float>> a_;
};

}  // namespace loewner::detail
