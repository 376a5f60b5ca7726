// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "codec/byte_product.hpp"
#include "codec/coded_vectors.hpp"

namespace loewner::detail {

/// Products with a matrix whose rows, or those of its transpose, are plain codes.
class CodesProduct final : public ByteProduct {
 public:
  /// What the rows of the codes C belong to.
  enum class Rows {
    outputs,  ///< x C^T
    inputs,   ///< x R^T C
  };

  /// input_rotation: R; none: the identity.
  CodesProduct(const Codes& codes, Rows rows, std::optional<Rotation> input_rotation, FloatProduct in_floats);

  Index inputs() const override { return rows_ == Rows::outputs ? codes_.cols() : codes_.rows(); }
  Index outputs() const override { return rows_ == Rows::outputs ? codes_.rows() : codes_.cols(); }
  bool is_preferable() const override;

 private:
  struct Tokens;

  void apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                      int threads) const override;
  void prepare(MatrixView<const float> x, Tokens& tokens) const;
  Index panels_at_once(const Tokens& tokens) const;
  void multiply_panels(Index first, Index count, const Tokens& tokens, MatrixView<float> y) const;
  void multiply_panel(const std::uint8_t* panel, Index number, const Tokens& tokens, MatrixView<float> y) const;
  void multiply_one(Index first, Index count, const Tokens& tokens, MatrixView<float> y) const;
  void scale(const std::int32_t* sums, Index first, Index count, const Tokens& tokens, Index token, Index size,
             MatrixView<float> y) const;
  void finish(const Tokens& tokens, std::span<const float> bias, MatrixView<float> y) const;

  const Codes& codes_;
  Rows rows_;
  CodedRows coded_;
  Rotation rotation_;  // of the entries of a row of C
  std::optional<Rotation> input_rotation_;
};

}  // namespace loewner::detail
