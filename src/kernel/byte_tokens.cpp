// SPDX-License-Identifier: Apache-2.0
#include "kernel/byte_tokens.hpp"

#include <algorithm>
#include <bit>

#include "base/dispatch.hpp"

namespace loewner::detail {
namespace {

constexpr float kLeast = 0x1p-100F, kMost = 0x1p100F;

// The bits of the largest absolute value. Bits of floats are ordered as their absolute values, NaN last.
LOEWNER_INLINE void largest_bits_body(const float* x, Index count, std::uint32_t* bits) {
  std::uint32_t most = 0;
  for (Index j = 0; j < count; ++j) most = std::max(most, std::bit_cast<std::uint32_t>(x[j]) & 0x7fffffffU);
  *bits = most;
}

// Adding 1.5 * 2^23 rounds to an integer, to even in the middle, and leaves it in the low bits.
LOEWNER_INLINE void round_entries_body(const float* x, Index count, float factor, std::int8_t* bytes,
                                       std::int32_t* sum) {
  constexpr float kShift = 0x1.8p23F;
  std::int32_t total = 0;
  for (Index j = 0; j < count; ++j) {
    const std::int32_t value =
        std::bit_cast<std::int32_t>(x[j] * factor + kShift) - std::bit_cast<std::int32_t>(kShift);
    bytes[j] = static_cast<std::int8_t>(value);
    total += value;
  }
  *sum = total;
}

LOEWNER_INLINE void subtract_rounded_body(float* x, Index count, const std::int8_t* bytes, float scale) {
  for (Index j = 0; j < count; ++j) x[j] -= scale * static_cast<float>(bytes[j]);
}

}  // namespace

LOEWNER_DISPATCH(subtract_rounded, (float* x, Index count, const std::int8_t* bytes, float scale),
                 (x, count, bytes, scale))
LOEWNER_DISPATCH(largest_bits, (const float* x, Index count, std::uint32_t* bits), (x, count, bits))
LOEWNER_DISPATCH(round_entries, (const float* x, Index count, float factor, std::int8_t* bytes, std::int32_t* sum),
                 (x, count, factor, bytes, sum))

ByteScale round_to_bytes(std::span<const float> x, std::int8_t* bytes) {
  const auto count = static_cast<Index>(x.size());
  std::uint32_t bits = 0;
  largest_bits(x.data(), count, &bits);
  const auto largest = std::bit_cast<float>(bits);
  ByteScale result{.scale = 0, .sum = 0, .is_representable = largest == 0 || (largest >= kLeast && largest <= kMost)};
  if (largest == 0 || !result.is_representable) {
    std::fill_n(bytes, count, std::int8_t{0});
    return result;
  }
  result.scale = largest / 127;
  round_entries(x.data(), count, 127 / largest, bytes, &result.sum);
  return result;
}

std::int32_t round_rest_to_bytes(std::span<float> x, float scale, const std::int8_t* first, std::int8_t* second) {
  const auto count = static_cast<Index>(x.size());
  if (scale == 0) {
    std::fill_n(second, count, std::int8_t{0});
    return 0;
  }
  subtract_rounded(x.data(), count, first, scale);
  std::int32_t sum = 0;
  round_entries(x.data(), count, kFirstByteWeight / scale, second, &sum);
  return sum;
}

}  // namespace loewner::detail
