// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// The second byte of an entry, within [-127, 127], holds half a unit of the first.
inline constexpr float kSecondBytes = 254;

/// A vector x as integers: x is about scale times them.
struct ByteScale {
  float scale;            // largest |x_j| / 127
  std::int32_t sum;       // of the integers
  bool is_representable;  // false if an entry is not finite, or the largest is not 0 and outside [2^-100, 2^100]
};

/// Rounds a vector to multiples of its scale, in [-127, 127]. A vector that is not representable becomes zeros.
ByteScale round_to_bytes(std::span<const float> x, std::int8_t* bytes);

/// What the first bytes of a vector leave, in multiples of scale / kSecondBytes. x becomes the rest. Returns the sum of
/// the bytes. Scale 0: zeros.
std::int32_t round_rest_to_bytes(std::span<float> x, float scale, const std::int8_t* first, std::int8_t* second);

}  // namespace loewner::detail
