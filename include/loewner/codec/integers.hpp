// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Plain rounding in groups: what users know as int8 and int4, and the yardstick for everything else.
///
/// Each group of consecutive entries of a row lies on 2^bits equally spaced values; entry j is offset + code step. Step
/// and offset are halves times 2^scale_exponent. Two codes of 4 bits share a byte, the even entry in its low half.
class Integers final : public EncodedMatrix {
 public:
  struct Shape {
    Index rows = 0, cols = 0;
    int bits = 8;     ///< 4 or 8
    Index group = 0;  ///< entries that share step and offset; the last group of a row may be shorter
    int scale_exponent = 0;

    Index groups() const { return (cols + group - 1) / group; }
    Index row_bytes() const { return (cols * bits + 7) / 8; }
    Index bytes() const { return rows * (row_bytes() + 4 * groups()); }
  };

  /// Codes of `a`, computed when they are read; exponent and groups as in the shape.
  Integers(std::shared_ptr<const RowSource> a, const Shape& shape);
  Integers(const Shape& shape, StoredArray codes, StoredArray steps, StoredArray offsets);
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  std::string_view structure() const override { return "integers"; }
  Index rows() const override { return shape_.rows; }
  Index cols() const override { return shape_.cols; }
  std::vector<StoredArray> to_tensors() const override { return {codes_, steps_, offsets_}; }
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  Shape shape_;
  std::shared_ptr<const RowSource> source_;  // null where the arrays are stored
  StoredArray codes_, steps_, offsets_;
};

/// The shape for a matrix: int8 with one group a row, or int4 in groups of 64, and the exponent that its largest entry
/// needs. Cost: one pass.
Integers::Shape integers_shape(const RowSource& a, int bits);

}  // namespace loewner
