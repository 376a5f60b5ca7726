// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// W = left right with encoded factors left: rows x rank and right: rank x cols, such as
/// coordinates along principal directions and the directions.
///
/// The constructor decodes the right factor and keeps it as float32. Rows of the left factor are
/// decoded when they are read.
class Product final : public EncodedMatrix {
 public:
  /// Takes both factors.
  ///
  /// Errors    InvalidArgument unless left->cols() == right->rows().
  Product(std::unique_ptr<EncodedMatrix> left, std::unique_ptr<EncodedMatrix> right);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit, or if a factor is
  ///           none of `codes`, `joined_codes`, `entropy_codes` and `integers`.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  Index rank() const { return right_->rows(); }
  const EncodedMatrix& left() const { return *left_; }
  /// The right factor, decoded.
  MatrixView<const float> right() const { return decoded_right_.view(); }

  std::string_view structure() const override { return "product"; }
  Index rows() const override { return left_->rows(); }
  Index cols() const override { return right_->cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;

 private:
  std::unique_ptr<EncodedMatrix> left_, right_;
  Matrix<float> decoded_right_;
};

}  // namespace loewner
