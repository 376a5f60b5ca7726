// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/trellis_quantizer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "base/dispatch.hpp"
#include "base/vector8.hpp"
#include "codec/trellis_levels.hpp"
#include "codec/trellis_paths.hpp"
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

// The levels of eight entries at a time, one in each byte of a word. Moves bit i of a byte of a
// plane to byte i:
constexpr std::uint64_t spread(std::uint32_t byte) {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= static_cast<std::uint64_t>(byte >> i & 1u) << (8 * i);
  return word;
}

// The subsets of the eight windows that end in the bits of one byte of plane 0.
constexpr std::uint64_t subsets(std::uint32_t now, std::uint32_t before) {
  const std::uint32_t bits = before | now << 8;
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) {
    unsigned window = 0;  // the newest bit lowest
    for (int age = 0; age <= 8; ++age) window |= (bits >> (8 + i - age) & 1u) << age;
    word |= static_cast<std::uint64_t>(subset_of(window)) << (8 * i);
  }
  return word;
}

// Parities are linear, so the subsets that a byte and its predecessor give alone are added.
struct PlaneTables {
  std::array<std::uint64_t, 256> spread{}, now{}, before{};
};

constexpr PlaneTables kPlanes = [] {
  PlaneTables tables;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    tables.spread[byte] = spread(byte);
    tables.now[byte] = subsets(byte, 0);
    tables.before[byte] = subsets(0, byte);
  }
  return tables;
}();

// The values of eight levels. One word has the low bytes of their numbers, another has bit 8. A
// table of eight levels fits into a register. Up to four of them are used; more are slower than
// memory.
template <int kBits>
LOEWNER_INLINE Float8 look_up(std::uint64_t levels, std::uint64_t ninth_bits) {
  const float* const values = kLevels[kBits].values.data();
  if constexpr (kBits <= 4) {
    Byte8 bytes;
    std::memcpy(&bytes, &levels, sizeof(bytes));
    const Int8 level = __builtin_convertvector(bytes, Int8);
    Float8 value = permute8(load8(values), level & 7);
    for (int table = 1; table < (2 << kBits) / 8; ++table) {
      value = (level >> 3) == table ? permute8(load8(values + Index{8} * table), level & 7) : value;
    }
    return value;
  } else {
    const auto at = [&](int i) { return values[(levels >> (8 * i) & 255u) | (ninth_bits >> (8 * i) & 1u) << 8]; };
    return Float8{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)};
  }
}

template <int kBits>
LOEWNER_INLINE void decode_planes(const std::uint8_t* planes, std::uint8_t before, float* out, Index count) {
  constexpr int kLowPlanes = std::min(kBits, 7);  // their bits are the low byte of the level
  const Index plane = (count + 7) / 8;
  for (Index byte = 0; byte < plane; ++byte) {
    const std::uint8_t now = planes[byte];
    std::uint64_t levels = kPlanes.now[now] ^ kPlanes.before[before];
    for (int i = 1; i < kLowPlanes; ++i) levels |= kPlanes.spread[planes[i * plane + byte]] << (i + 1);
    const std::uint64_t ninth_bits = kBits > kLowPlanes ? kPlanes.spread[planes[kLowPlanes * plane + byte]] : 0;
    before = now;
    const Float8 value = look_up<kBits>(levels, ninth_bits);
    if (8 * byte + 8 <= count) {
      store8(out + 8 * byte, value);
    } else {
      for (Index t = 8 * byte; t < count; ++t) out[t] = value[t % 8];
    }
  }
}

LOEWNER_INLINE void decode_body(const std::uint8_t* planes, int bits, std::uint8_t before, float* out, Index count) {
  switch (bits) {
    case 1:
      return decode_planes<1>(planes, before, out, count);
    case 2:
      return decode_planes<2>(planes, before, out, count);
    case 3:
      return decode_planes<3>(planes, before, out, count);
    case 4:
      return decode_planes<4>(planes, before, out, count);
    case 5:
      return decode_planes<5>(planes, before, out, count);
    case 6:
      return decode_planes<6>(planes, before, out, count);
    case 7:
      return decode_planes<7>(planes, before, out, count);
    default:
      return decode_planes<8>(planes, before, out, count);
  }
}

}  // namespace

LOEWNER_DISPATCH(nearest_levels,
                 (const float* x, Index count, int bits, float weight, float* distances, std::uint8_t* high_bits),
                 (x, count, bits, weight, distances, high_bits))
LOEWNER_DISPATCH(decode, (const std::uint8_t* planes, int bits, std::uint8_t before, float* out, Index count),
                 (planes, bits, before, out, count))

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
  LOEWNER_ASSERT(bits >= 1 && bits <= kMaxCodeBits);
  detail::decode(planes, bits, before, out.data(), static_cast<Index>(out.size()));
}

std::span<const float> trellis_levels(int bits) {
  require(bits >= 1 && bits <= kMaxCodeBits,
          [&] { return "trellis_levels: bits must be in [1, 8], got " + std::to_string(bits); });
  const detail::Levels& levels = detail::kLevels[bits];
  return {levels.values.data(), static_cast<std::size_t>(levels.count)};
}

}  // namespace loewner
