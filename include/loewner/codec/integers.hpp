// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rounding in groups, known as int8 and int4.
///
/// Each group of consecutive entries of a row has 2^bits equally spaced values; entry j is offset +
/// code_j step. Step and offset are halves times 2^scale_exponent. Two codes of 4 bits share a
/// byte, with the even entry in the low half.
class Integers final : public EncodedMatrix {
 public:
  /// Sizes of the arrays.
  struct Shape {
    Index rows = 0, cols = 0;
    int bits = 8;     ///< 4 or 8
    Index group = 0;  ///< entries with one step and offset; the last group may be shorter
    int scale_exponent = 0;

    Index groups() const { return (cols + group - 1) / group; }
    Index row_bytes() const { return (cols * bits + 7) / 8; }
    Index bytes() const { return rows * (row_bytes() + 4 * groups()); }
  };

  /// Encodes the rows of `a` when its arrays are read.
  Integers(const std::shared_ptr<const RowSource>& a, const Shape& shape);
  /// Takes the arrays of this shape.
  Integers(const Shape& shape, StoredArray codes, StoredArray steps, StoredArray offsets);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  const Shape& shape() const { return shape_; }

  std::string_view structure() const override { return "integers"; }
  Index rows() const override { return shape_.rows; }
  Index cols() const override { return shape_.cols; }
  std::vector<StoredArray> to_tensors() const override { return {codes_, steps_, offsets_}; }
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  Shape shape_;
  std::shared_ptr<const RowSource> source_;  // null if the arrays are stored
  StoredArray codes_, steps_, offsets_;
};

/// The shape for a matrix: with 8 bits one group per row, with 4 bits groups of 64 entries, and the
/// exponent that its largest entry needs.
///
/// Shapes    a: n x d; bits: 4 or 8.
/// Method    the largest magnitude of each row block, in parallel, then that of the blocks. The
///           exponent makes halves of twice that magnitude lie below 2^16.
/// Cost      one pass over the rows.
/// Accuracy  exact.
/// Errors    none.
Integers::Shape integers_shape(const RowSource& a, int bits);

}  // namespace loewner
