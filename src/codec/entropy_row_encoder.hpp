// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/entropy_model.hpp"
#include "codec/range_coder.hpp"
#include "codec/trellis_paths.hpp"

namespace loewner::detail {

/// Chooses the integers of rows one by one and reuses its memory.
class EntropyRowEncoder {
 public:
  /// col_scales must outlive this object.
  explicit EntropyRowEncoder(std::span<const std::uint8_t> col_scales);

  /// Appends the symbols of a row. wanted_step: its step if its entries are not too large for it;
  /// exponent: of all steps; before: the header of the row before it, null for the first of a stream.
  /// Returns the row's header.
  EntropyRowHeader encode(std::span<const float> row, std::uint8_t wanted_step, int exponent,
                          const EntropyRowHeader* before, std::vector<CodedRange>& ranges);

  /// How many entries the rows so far have stored.
  Index stored_entries() const { return stored_entries_; }

 private:
  std::uint8_t best_scale() const;
  double cost_of_scale(int scale) const;
  void find_path(int scale);
  void append_levels(int scale, std::vector<CodedRange>& ranges);

  std::span<const std::uint8_t> col_scales_;
  double shares_ = 0;                     // sum of the squared scales of the columns
  std::vector<float> entries_;            // in steps
  std::vector<float> costs_;              // of the subsets of each stored entry
  std::vector<std::int32_t> magnitudes_;  // of each stored entry: the best in each subset, then the chosen one first
  TrellisPaths paths_;
  Index stored_entries_ = 0;
};

}  // namespace loewner::detail
