// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// W itself in a number format: what the guard falls back on when no structure is smaller.
class Dense final : public EncodedMatrix {
 public:
  Dense(std::shared_ptr<const RowSource> values, NumberFormat format);
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  std::string_view structure() const override { return "dense"; }
  Index rows() const override { return values_->rows(); }
  Index cols() const override { return values_->cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    return values_->read_rows(first, count, buffer);
  }

 private:
  std::shared_ptr<const RowSource> values_;
  NumberFormat format_;
};

}  // namespace loewner
