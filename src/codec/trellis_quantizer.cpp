// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/trellis_quantizer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "base/dispatch.hpp"
#include "codec/trellis_levels.hpp"
#include "codec/trellis_paths.hpp"
#include "kernel/byte_kernels.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace detail {
namespace {

// The first of at most eight consecutive levels that contain the nearest level of each subset:
// every fourth level is in the same subset, so four levels below x and four above x suffice.
LOEWNER_INLINE int first_near(float x, const Levels& levels) {
  int below = 0;  // number of levels below x
  for (int step = levels.count / 2; step > 0; step /= 2) below += levels.values[below + step - 1] < x ? step : 0;
  return std::clamp(below - 4, 0, std::max(levels.count - 8, 0));
}

// Squared distances from the nearest level of each subset, times the weight.
LOEWNER_INLINE void nearest(float x, const Levels& levels, float weight, float* distance, std::uint8_t* high_bits) {
  for (int subset = 0; subset < 4; ++subset) distance[subset] = std::numeric_limits<float>::max();
  const int first = first_near(x, levels);
  for (int j = first; j < std::min(first + 8, levels.count); ++j) {
    const float error = x - levels.values[j], squared = error * error * weight;
    if (squared < distance[j % 4]) {
      distance[j % 4] = squared;
      high_bits[j % 4] = static_cast<std::uint8_t>(j / 4);
    }
  }
}

LOEWNER_INLINE void nearest_levels_body(const float* x, Index count, int bits, float weight, float* distances,
                                        std::uint8_t* high_bits) {
  for (Index t = 0; t < count; ++t) nearest(x[t], kLevels[bits], weight, distances + 4 * t, high_bits + 4 * t);
}

}  // namespace

LOEWNER_DISPATCH(nearest_levels,
                 (const float* x, Index count, int bits, float weight, float* distances, std::uint8_t* high_bits),
                 (x, count, bits, weight, distances, high_bits))
}  // namespace detail

struct TrellisQuantizer::Workspace {
  explicit Workspace(Index cols)
      : paths(cols),
        distances(static_cast<std::size_t>(cols * detail::kSubsets)),
        high_bits(static_cast<std::size_t>(cols * detail::kSubsets)) {}

  detail::TrellisPaths paths;
  std::vector<float> distances;         // cols x 4: from the nearest level of each subset
  std::vector<std::uint8_t> high_bits;  // cols x 4: high bits of that level
};

TrellisQuantizer::TrellisQuantizer(Index cols) : workspace_(std::make_unique<Workspace>(cols)) {}
TrellisQuantizer::~TrellisQuantizer() = default;

void TrellisQuantizer::encode(std::span<const TrellisPart> parts) {
  auto& [paths, distances, high_bits] = *workspace_;
  paths.begin();
  for (const TrellisPart& part : parts) {
    require(part.bits >= 1 && part.bits <= kMaxCodeBits,
            [&] { return "TrellisQuantizer: bits must be in [1, 8], got " + std::to_string(part.bits); });
    const auto count = static_cast<Index>(part.x.size()), first = detail::kSubsets * paths.entries();
    LOEWNER_ASSERT(first % 32 == 0 && first + detail::kSubsets * count <= static_cast<Index>(high_bits.size()));
    detail::nearest_levels(part.x.data(), count, part.bits, part.weight, distances.data(), high_bits.data() + first);
    paths.extend({distances.data(), static_cast<std::size_t>(detail::kSubsets * count)});
  }
  write_planes(parts);
}

void TrellisQuantizer::write_planes(std::span<const TrellisPart> parts) const {
  for (const TrellisPart& part : parts) {
    std::fill_n(part.planes, bytes(static_cast<Index>(part.x.size()), part.bits), std::uint8_t{0});
  }
  auto part = parts.end();
  Index first = workspace_->paths.entries();
  workspace_->paths.for_each_backwards([&](Index entry, int subset, unsigned bit) {
    while (entry < first) first -= static_cast<Index>((--part)->x.size());
    const Index t = entry - first, plane = (static_cast<Index>(part->x.size()) + 7) / 8;
    const unsigned symbol = bit | workspace_->high_bits[detail::kSubsets * entry + subset] << 1;
    for (int i = 0; i < part->bits; ++i) {
      part->planes[i * plane + t / 8] |= static_cast<std::uint8_t>((symbol >> i & 1u) << (t % 8));
    }
  });
}

void decode_trellis(const std::uint8_t* planes, int bits, std::span<float> out, std::uint8_t before) {
  using detail::kBlockEntries;
  LOEWNER_ASSERT(bits >= 1 && bits <= kMaxCodeBits);
  const auto entries = static_cast<Index>(out.size()), whole = entries / kBlockEntries * kBlockEntries;
  const auto decode = detail::byte_kernels().decode;
  const float* const levels = detail::kLevels[bits].values.data();
  decode({.planes = planes, .bits = bits, .before = before}, entries, 0, whole, levels, out.data());
  if (whole == entries) return;
  // Kernels read and write whole blocks, so copies with the bytes that a block needs are used for the last entries.
  constexpr Index kBlockBytes = kBlockEntries / 8;
  std::array<std::uint8_t, kBlockBytes * kMaxCodeBits> last{};
  std::array<float, kBlockEntries> block;
  const Index plane = (entries + 7) / 8, first = whole / 8;
  for (int i = 0; i < bits; ++i) {
    std::copy(planes + i * plane + first, planes + (i + 1) * plane, last.data() + i * kBlockBytes);
  }
  if (whole > 0) before = planes[first - 1];
  decode({.planes = last.data(), .bits = bits, .before = before}, kBlockEntries, 0, kBlockEntries, levels,
         block.data());
  std::copy_n(block.data(), entries - whole, out.data() + whole);
}

std::span<const float> trellis_levels(int bits) {
  require(bits >= 1 && bits <= kMaxCodeBits,
          [&] { return "trellis_levels: bits must be in [1, 8], got " + std::to_string(bits); });
  const detail::Levels& levels = detail::kLevels[bits];
  return {levels.values.data(), static_cast<std::size_t>(levels.count)};
}

}  // namespace loewner
