// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/codec/rotation.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// A matrix of a linear layer with one coded vector for each input: M = R^T C.
///
/// M is inputs x outputs: W^T, or W if its rows are the inputs. The rows of C are Codes. R is a
/// Rotation of the inputs, or the identity. A vector belongs to all outputs, so the errors of some
/// inputs can be made up for by the others (input_codes_encoding.hpp).
///
/// Reading rows decodes the whole matrix once and keeps it as float32 while this object lives.
/// decode(), and apply() with inputs on the columns, keep nothing.
class InputCodes final : public EncodedMatrix {
 public:
  /// Takes C, and the seed of R if there is one.
  InputCodes(std::unique_ptr<EncodedMatrix> codes, InputSide inputs, std::optional<std::uint64_t> rotation_seed);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  std::string_view structure() const override { return "input_codes"; }
  Index rows() const override { return inputs_ == InputSide::cols ? codes_->cols() : codes_->rows(); }
  Index cols() const override { return inputs_ == InputSide::cols ? codes_->rows() : codes_->cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  Matrix<float> decode() const override;
  void apply(MatrixView<const float> x, MatrixView<float> y) const override;

  /// C: inputs x outputs.
  const EncodedMatrix& codes() const { return *codes_; }
  InputSide inputs() const { return inputs_; }
  /// R; none: the identity.
  const std::optional<Rotation>& rotation() const { return rotation_; }

 private:
  std::unique_ptr<EncodedMatrix> codes_;
  InputSide inputs_;
  std::optional<std::uint64_t> rotation_seed_;
  std::optional<Rotation> rotation_;
  mutable std::once_flag is_decoded_;
  mutable Matrix<float> decoded_;
};

}  // namespace loewner
