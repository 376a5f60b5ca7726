// SPDX-License-Identifier: Apache-2.0
#include "codec/banded_rows.hpp"

#include <algorithm>

#include "base/dispatch.hpp"
#include "codec/byte_product.hpp"
#include "codec/code_bands.hpp"
#include "codec/float_rows.hpp"
#include "codec/trellis_levels.hpp"
#include "kernel/byte_kernels.hpp"

namespace loewner::detail {

BandedRows::BandedRows(const Codes& codes) : codes_(codes), rotations_(rotations_of(codes.ladder(), codes.seed())) {
  Index first = 0, place = 0;
  for (const auto& band : codes.ladder().bands()) {
    parts_.push_back({first, band.cols});
    places_.push_back(place);
    first += band.cols;
    place += rounded_up(band.cols, kBlockEntries);
  }
}

bool BandedRows::is_preferable() const {
  return isa() >= Isa::avx2 && codes_.mean_bits() <= kMostPreferredBits;
}

void BandedRows::prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const {
  for (std::size_t g = 0; g < parts_.size(); ++g) {
    const auto first = static_cast<std::size_t>(parts_[g].first), count = static_cast<std::size_t>(parts_[g].count);
    rotations_[g].apply(x.subspan(first, count), in_basis.subspan(first, count));
  }
  if (!features.empty()) features[0] = dot(x, codes_.shared_row());
}

PartedRows::Decoded BandedRows::decode(Index first, Index count, Index /*read*/, const Buffers& to) const {
  const CodeLadder& ladder = codes_.ladder();
  const std::vector<std::uint8_t>& steps = codes_.arrays().bits;
  const Index begin = codes_.offset_of(first), last = first + count - 1,
              size = codes_.offset_of(last) + ladder.bytes(steps[last]) - begin;
  thread_local std::vector<std::uint8_t> planes;
  planes.resize(static_cast<std::size_t>(size + kBytesReadBehind));
  codes_.arrays().codes.read_rows(begin, size, reinterpret_cast<std::byte*>(planes.data()));
  const std::uint8_t* row = planes.data();
  for (Index i = 0; i < count; ++i) {
    const int step = steps[first + i];
    const float scale = codes_.scale_of(first + i);
    const Index place = (first + i) % kPanelOutputs;
    decode_row(row, step, scale, to.levels + i * to.stride, to.scales + place);
    if (features() > 0) to.offsets[place] = step == 0 ? scale : 0.0F;
    row += ladder.bytes(step);
  }
  return {{to.levels, to.stride, 8, false}, to.scales, to.offsets};
}

// The scales of the parts are 64 apart.
void BandedRows::decode_row(const std::uint8_t* planes, int step, float scale, std::uint8_t* levels,
                            float* scales) const {
  const CodeLadder& ladder = codes_.ladder();
  const bool joined = codes_.form() == CodesForm::joined;
  std::uint8_t before = 0;
  for (std::size_t g = 0; g < parts_.size(); ++g) scales[static_cast<Index>(g) * kPanelOutputs] = 0;
  for_each_coded_band(ladder, step, [&](std::size_t g, Index, int bits, Index offset) {
    const Index entries = parts_[g].count;
    const CodedVector vector = {planes + offset, bits, kByteLevels[bits].values.data(), before, false};
    byte_kernels().decode_levels(vector, entries, levels + places_[g]);
    scales[static_cast<Index>(g) * kPanelOutputs] = scale * ladder.bands()[g].size * kByteLevels[bits].step;
    if (joined) before = planes[offset + TrellisQuantizer::bytes(entries, 1) - 1];
  });
}

}  // namespace loewner::detail
