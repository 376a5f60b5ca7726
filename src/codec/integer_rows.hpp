// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/parted_rows.hpp"
#include "kernel/byte_kernels.hpp"
#include "loewner/codec/integers.hpp"

namespace loewner::detail {

/// The rows of Integers, whose parts are the groups. Codes of 8 bits are levels; the feature of a vector is its sum. The
/// values of 4 bits are rounded to multiples of a 127th of the largest of the group, which adds about .4 % to the squared
/// error of 4 bits.
class IntegerRows final : public PartedRows {
 public:
  /// Takes a matrix that has_parts().
  explicit IntegerRows(const Integers& integers);

  /// Whether rows have one group, or 4 bits and groups of whole blocks of 64 entries.
  static bool has_parts(const Integers& integers);

  Index rows() const override { return shape_.rows; }
  Index cols() const override { return shape_.cols; }
  std::span<const Part> parts() const override { return parts_; }
  Index features() const override { return shape_.bits == 8 ? 1 : 0; }
  Index bytes_of_entry() const override { return 2; }
  bool is_preferable() const override;
  void prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const override;
  Levels decode(Index first, Index count, const Decoded& to) const override;

 private:
  void add_grid(float step, float offset);
  const std::uint8_t* codes_of_rows(Index first, Index count) const;

  Integers::Shape shape_;
  StoredArray codes_;
  std::vector<Part> parts_;
  std::vector<float> scales_;     // of the levels of each group
  std::vector<float> offsets_;    // of each row, with 8 bits
  std::vector<LevelGrid> grids_;  // of each group, with 4 bits
};

}  // namespace loewner::detail
