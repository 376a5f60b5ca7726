// SPDX-License-Identifier: Apache-2.0
#include "codec/coded_vectors.hpp"

#include "codec/code_bands.hpp"
#include "codec/trellis_levels.hpp"

namespace loewner::detail {
namespace {

// The first row whose planes are followed by too few bytes of the array.
Index first_copied_row(const StoredArray& codes, const std::vector<Index>& offsets) {
  if (codes.memory == nullptr) return 0;
  Index row = static_cast<Index>(offsets.size()) - 1;
  while (row > 0 && offsets[row] + kBytesReadBehind > codes.rows) --row;
  return row;
}

}  // namespace

CodedRows::CodedRows(const Codes& codes) {
  const Codes::Arrays& arrays = codes.arrays();
  const std::vector<Index> offsets = offsets_of(arrays.bits, codes.ladder());
  const Index copied_row = first_copied_row(arrays.codes, offsets), copied = offsets[copied_row];
  copies_.resize(static_cast<std::size_t>(arrays.codes.rows - copied + kBytesReadBehind));
  arrays.codes.read_rows(copied, arrays.codes.rows - copied, reinterpret_cast<std::byte*>(copies_.data()));
  const auto* const memory = reinterpret_cast<const std::uint8_t*>(arrays.codes.memory);
  for (Index i = 0; i < codes.rows(); ++i) {
    const int bits = arrays.bits[i];
    const float scale = codes.scale_of(i);
    const std::uint8_t* const planes = i < copied_row ? memory + offsets[i] : copies_.data() + (offsets[i] - copied);
    vectors_.push_back({planes, bits, kByteLevels[bits].values.data(), 0, true});
    scales_.push_back(bits > 0 ? scale * kByteLevels[bits].step : 0.0F);
    if (!arrays.shared.empty()) shared_scales_.push_back(bits > 0 ? 0.0F : scale);
  }
}

}  // namespace loewner::detail
