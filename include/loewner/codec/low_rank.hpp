// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// W = left right with left: rows x rank and right: rank x cols, both in one number format.
class LowRank final : public EncodedMatrix {
 public:
  /// Takes both factors. The rows of `left` may be computed or read from a file when they are used.
  ///
  /// Errors    InvalidArgument unless left->cols() == right.rows() >= 1.
  LowRank(std::shared_ptr<const RowSource> left, Matrix<float> right, NumberFormat format);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// Bytes of both arrays for this rank.
  static Index bytes_at_rank(Index rows, Index cols, Index rank, NumberFormat format);

  Index rank() const { return right_->rows(); }

  std::string_view structure() const override { return "low_rank"; }
  Index rows() const override { return left_->rows(); }
  Index cols() const override { return right_->cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;
  void apply(MatrixView<const float> x, MatrixView<float> y) const override;
  std::vector<std::string_view> refittable_arrays() const override { return {"left", "right"}; }

 private:
  std::shared_ptr<const RowSource> left_;
  std::shared_ptr<const OwnedRows> right_;
  NumberFormat format_;
};

}  // namespace loewner
