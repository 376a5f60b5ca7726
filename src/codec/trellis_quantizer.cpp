// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/trellis_quantizer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <ranges>
#include <string>

#include "base/dispatch.hpp"
#include "base/vector8.hpp"
#include "codec/trellis_levels.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace detail {
namespace {

constexpr int kStates = 256;

// Parity checks of the 256-state code for one-dimensional signals (octal 515 and 362), with the
// newest bit lowest.
constexpr unsigned kHighParity = 0515, kLowParity = 0362;

constexpr int subset_of(unsigned window) {
  return 2 * (std::popcount(window & kHighParity) % 2) + std::popcount(window & kLowParity) % 2;
}

// The subset for state q followed by the bit 0. The other three branches of a butterfly follow from
// it, because a flip of the newest or of the oldest bit flips the high parity.
constexpr std::array<std::int32_t, kStates / 2> kSubsets = [] {
  std::array<std::int32_t, kStates / 2> subsets{};
  for (unsigned q = 0; q < kStates / 2; ++q) subsets[q] = subset_of(2 * q);
  return subsets;
}();

static_assert((kHighParity & 1) != 0 && (kHighParity & kStates) != 0 && (kLowParity & 1) == 0 &&
              (kLowParity & kStates) == 0);

// One step of the Viterbi algorithm. cost[s] is the cost of the best path to state s, and
// `distance` has the squared distances of the entry from the four subsets. decision[s] is 1 if the
// path comes from the state with the oldest bit set. The states 2 q and 2 q + 1 come from q and q +
// 128.
LOEWNER_INLINE void step(const float* cost, const float* distance, float* next, std::uint8_t* decision) {
  const Float8 distances = {distance[0], distance[1], distance[2], distance[3],
                            distance[0], distance[1], distance[2], distance[3]};
  for (Index q = 0; q < kStates / 2; q += 8) {
    Int8 subset;
    std::memcpy(&subset, kSubsets.data() + q, sizeof(subset));
    const Float8 same = permute8(distances, subset), flipped = permute8(distances, subset ^ 2);
    const Float8 young = load8(cost + q), old = load8(cost + q + kStates / 2);
    const Float8 even_young = young + same, even_old = old + flipped;
    const Float8 odd_young = young + flipped, odd_old = old + same;
    const Int8 even = even_old < even_young, odd = odd_old < odd_young;
    const Float8 even_cost = even ? even_old : even_young, odd_cost = odd ? odd_old : odd_young;
    store8(next + 2 * q, __builtin_shufflevector(even_cost, odd_cost, 0, 8, 1, 9, 2, 10, 3, 11));
    store8(next + 2 * q + 8, __builtin_shufflevector(even_cost, odd_cost, 4, 12, 5, 13, 6, 14, 7, 15));
    const Byte8 low = __builtin_convertvector(__builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), Byte8);
    const Byte8 high = __builtin_convertvector(__builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), Byte8);
    std::memcpy(decision + 2 * q, &low, sizeof(low));
    std::memcpy(decision + 2 * q + 8, &high, sizeof(high));
  }
}

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

// From time to time the minimum is subtracted from all costs, so that long vectors lose no digits.
LOEWNER_INLINE void rebase(float* cost) {
  float least = cost[0];
  for (int s = 1; s < kStates; ++s) least = cost[s] < least ? cost[s] : least;
  for (int s = 0; s < kStates; ++s) cost[s] -= least;
}

// Continues the paths with `count` entries. cost has the cost of the best path to each state.
LOEWNER_INLINE void extend_paths_body(const float* x, Index count, int bits, float weight, std::uint8_t* decisions,
                                      std::uint8_t* high_bits, float* cost) {
  alignas(32) std::array<float, kStates> a, b;
  std::copy(cost, cost + kStates, a.data());
  float *now = a.data(), *next = b.data();
  for (Index t = 0; t < count; ++t) {
    std::array<float, 4> distance;
    nearest(x[t], kLevels[bits], weight, distance.data(), high_bits + 4 * t);
    step(now, distance.data(), next, decisions + kStates * t);
    std::swap(now, next);
    if (t % 128 == 127) rebase(now);
  }
  std::copy(now, now + kStates, cost);
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

LOEWNER_DISPATCH(extend_paths,
                 (const float* x, Index count, int bits, float weight, std::uint8_t* decisions, std::uint8_t* high_bits,
                  float* cost),
                 (x, count, bits, weight, decisions, high_bits, cost))
LOEWNER_DISPATCH(decode, (const std::uint8_t* planes, int bits, std::uint8_t before, float* out, Index count),
                 (planes, bits, before, out, count))

}  // namespace detail

TrellisQuantizer::TrellisQuantizer(Index cols)
    : decisions_(static_cast<std::size_t>(cols * detail::kStates)), high_bits_(static_cast<std::size_t>(cols * 4)) {}

void TrellisQuantizer::encode(std::span<const TrellisPart> parts) {
  std::array<float, detail::kStates> cost;
  cost.fill(1e30F);
  cost[0] = 0;
  Index end = 0;
  for (const TrellisPart& part : parts) {
    require(part.bits >= 1 && part.bits <= kMaxCodeBits,
            [&] { return "TrellisQuantizer: bits must be in [1, 8], got " + std::to_string(part.bits); });
    if (end > 0) detail::rebase(cost.data());
    const auto count = static_cast<Index>(part.x.size());
    LOEWNER_ASSERT(end % 8 == 0 && end + count <= static_cast<Index>(high_bits_.size()) / 4);
    detail::extend_paths(part.x.data(), count, part.bits, part.weight, decisions_.data() + end * detail::kStates,
                         high_bits_.data() + 4 * end, cost.data());
    end += count;
  }
  auto state = static_cast<unsigned>(std::ranges::min_element(cost) - cost.begin());
  for (const TrellisPart& part : std::views::reverse(parts)) {
    end -= static_cast<Index>(part.x.size());
    state = write_planes(part, end, state);
  }
}

unsigned TrellisQuantizer::write_planes(const TrellisPart& part, Index first, unsigned state) const {
  const auto count = static_cast<Index>(part.x.size()), plane = (count + 7) / 8;
  std::fill_n(part.planes, bytes(count, part.bits), std::uint8_t{0});
  for (Index t = count - 1; t >= 0; --t) {
    const bool old = decisions_[(first + t) * detail::kStates + state] != 0;
    const unsigned window = state | (old ? detail::kStates : 0);
    const unsigned high = high_bits_[4 * (first + t) + detail::subset_of(window)];
    const unsigned symbol = (state & 1u) | high << 1;
    for (int i = 0; i < part.bits; ++i) {
      part.planes[i * plane + t / 8] |= static_cast<std::uint8_t>((symbol >> i & 1u) << (t % 8));
    }
    state = window >> 1;
  }
  return state;
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
