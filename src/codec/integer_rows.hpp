// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/parted_rows.hpp"
#include "loewner/codec/integers.hpp"

namespace loewner::detail {

/// The rows of Integers, whose parts are the groups. Levels are codes of 4 bits, or codes of 8 bits less 128; features of a
/// vector are the sums of its parts.
class IntegerRows final : public PartedRows {
 public:
  /// Takes a matrix that has_parts().
  explicit IntegerRows(const Integers& integers);

  /// Whether rows have one group, or 4 bits and groups of whole blocks of 64 entries.
  static bool has_parts(const Integers& integers);

  Index rows() const override { return shape_.rows; }
  Index cols() const override { return shape_.cols; }
  std::span<const Part> parts() const override { return parts_; }
  Index features() const override { return shape_.groups(); }
  Index bytes_of_entry() const override { return 2; }
  bool is_preferable() const override;
  void prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const override;
  Decoded decode(Index first, Index count, Index read, const Buffers& buffers) const override;
  Decoded decode_for_one_token(Index first, Index count, const Buffers& buffers) const override;

 private:
  // Otherwise kernels would read behind a row.
  bool rows_are_blocks() const { return shape_.cols % kBlockEntries == 0; }
  Decoded in_place(Index first, Index count) const;
  Decoded with_scales(Index first, const LevelRows& levels) const;
  const std::uint8_t* codes_of_rows(Index first, Index count) const;

  Integers::Shape shape_;
  StoredArray codes_;
  std::vector<Part> parts_;
  std::vector<float> scales_, offsets_;  // groups x 64 for each 64 rows
};

}  // namespace loewner::detail
