// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "codec/byte_product.hpp"
#include "codec/parted_rows.hpp"

namespace loewner::detail {

/// Products x W^T with a matrix in PartedRows. A vector is rounded to bytes in each part by itself, to one or two for
/// each entry.
class PartsProduct final : public ByteProduct {
 public:
  PartsProduct(std::unique_ptr<PartedRows> rows, FloatProduct in_floats);

  Index inputs() const override { return rows_->cols(); }
  Index outputs() const override { return rows_->rows(); }
  bool is_preferable() const override { return rows_->is_preferable(); }

 private:
  struct Tokens;
  struct Rows;

  void apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                      int threads) const override;
  void prepare(MatrixView<const float> x, Tokens& tokens) const;
  bool round_part(Index token, Index part, std::span<float> entries, Tokens& tokens) const;
  void multiply_rows(Index first, const Tokens& tokens, std::span<const float> bias, MatrixView<float> y) const;
  void multiply_one_token(Rows& rows, const Tokens& tokens, std::span<const float> bias, MatrixView<float> y) const;
  void multiply_panel(Rows& rows, const Tokens& tokens, std::span<const float> bias, MatrixView<float> y) const;
  void multiply_tokens(Rows& rows, Index first, const Tokens& tokens) const;
  void finish(const Rows& rows, const Tokens& tokens, Index token, float* products, std::span<const float> bias,
              MatrixView<float> y) const;

  std::unique_ptr<PartedRows> rows_;
  std::vector<Index> places_;  // of each part in the bytes of a vector and in the levels of a row, and their end
};

}  // namespace loewner::detail
