// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// The matrix itself in a number format.
class Dense final : public EncodedMatrix {
 public:
  /// Rows of `values` are rounded to the format when the array is written, not when they are read.
  Dense(std::shared_ptr<const RowSource> values, NumberFormat format);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
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
