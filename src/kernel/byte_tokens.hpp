// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// The first of two bytes of an entry counts this many times as much as the second. What rounding to the first leaves is at
/// most half of a unit, which is the largest second byte, 127.
inline constexpr float kFirstByteWeight = 254;

/// A vector x as integers: x is about scale times them.
struct ByteScale {
  float scale;            // largest |x_j| / 127
  std::int32_t sum;       // of the integers
  bool is_representable;  // false if an entry is not finite, or the largest is not 0 and outside [2^-100, 2^100]
};

/// Rounds a vector to multiples of its scale, in [-127, 127]. A vector that is not representable becomes zeros.
ByteScale round_to_bytes(std::span<const float> x, std::int8_t* bytes);

/// Subtracts from x the multiples of the scale that are its first bytes, and rounds the rest to multiples of
/// scale / kFirstByteWeight, or to zeros if the scale is 0. Returns the sum of the second bytes.
std::int32_t round_rest_to_bytes(std::span<float> x, float scale, const std::int8_t* first, std::int8_t* second);

}  // namespace loewner::detail
