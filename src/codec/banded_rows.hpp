// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/parted_rows.hpp"
#include "loewner/codec/codes.hpp"

namespace loewner::detail {

/// The rows of Codes, whose parts are the bands. The feature of a vector, if there is a shared row, is its product with
/// that.
class BandedRows final : public PartedRows {
 public:
  /// Takes codes, which must outlive this object.
  explicit BandedRows(const Codes& codes);

  Index rows() const override { return codes_.rows(); }
  Index cols() const override { return codes_.cols(); }
  std::span<const Part> parts() const override { return parts_; }
  Index features() const override { return codes_.shared_row().empty() ? 0 : 1; }
  Index bytes_of_entry() const override { return 1; }
  bool is_preferable() const override;
  void prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const override;
  Decoded decode(Index first, Index count, Index read, const Buffers& to) const override;

 private:
  void decode_row(const std::uint8_t* planes, int step, float scale, std::uint8_t* levels, float* scales) const;

  const Codes& codes_;
  std::vector<Part> parts_;
  std::vector<Index> places_;  // of the levels of each band in a row
  std::vector<Rotation> rotations_;
};

}  // namespace loewner::detail
