// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace loewner::detail {

inline constexpr int kLogScalesOfOctave = 8, kLargestLogScale = 255;

/// The scale 2^(exponent + code / 8), and 0 for the code 0. Eight values have a rounded significand,
/// so all processors compute the same numbers.
inline float log_scale_value(std::uint8_t code, int exponent) {
  constexpr std::array<float, kLogScalesOfOctave> kSignificands = {1.0F,        1.09050773F, 1.18920712F, 1.29683955F,
                                                                   1.41421356F, 1.54221083F, 1.68179283F, 1.83400809F};
  return code == 0 ? 0.0F : std::ldexp(kSignificands[code % kLogScalesOfOctave], exponent + code / kLogScalesOfOctave);
}

/// The exponent for which no scale up to `largest` is above the last code.
inline int log_scale_exponent(double largest) {
  return largest > 0 ? std::ilogb(largest) + 1 - kLargestLogScale / kLogScalesOfOctave : 0;
}

/// The code of the nearest scale on the logarithmic axis. 0 for scales <= 0 and those that lie far
/// below the first code.
inline std::uint8_t log_scale_code(double scale, int exponent) {
  if (!(scale > 0)) return 0;
  const double code = std::round(kLogScalesOfOctave * (std::log2(scale) - exponent));
  return static_cast<std::uint8_t>(std::clamp(code, 0.0, static_cast<double>(kLargestLogScale)));
}

}  // namespace loewner::detail
