// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// A vector x as integers: x is about scale times them.
struct ByteScale {
  float scale;            // largest |x_j| / 127
  std::int32_t sum;       // of the integers
  bool is_representable;  // false if an entry is not finite, or the largest is not 0 and outside [2^-100, 2^100]
};

/// Rounds a vector to multiples of its scale, in [-127, 127]. A vector that is not representable becomes zeros.
ByteScale round_to_bytes(std::span<const float> x, std::int8_t* bytes);

}  // namespace loewner::detail
