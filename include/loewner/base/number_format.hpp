// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// The floating-point formats in which factors and dense matrices are stored.
enum class NumberFormat { f32, f16, bf16 };

std::string_view to_string(NumberFormat format);
std::optional<NumberFormat> number_format_from_string(std::string_view name);
Index bytes_per_number(NumberFormat format);

/// float32 -> stored bytes, little-endian, round to nearest even; out holds values.size() * bytes_per_number(format)
/// bytes. A value beyond the largest finite half becomes infinity: callers that must not overflow check
/// `largest_finite` first.
void encode_numbers(std::span<const float> values, NumberFormat format, std::byte* out);

/// Stored bytes -> float32, exact.
void decode_numbers(const std::byte* in, NumberFormat format, std::span<float> values);

/// The largest finite value of a format, as double.
double largest_finite(NumberFormat format);

// ---- one value at a time; branch-free where it pays, so that the loops above vectorise ----

inline float half_to_float(std::uint16_t h) {
  // Shift exponent and mantissa into place and correct the exponent bias (15 -> 127) by one exact multiplication, which
  // also normalises subnormals; infinities and NaNs have their exponent set by hand, and NaNs become quiet, as by the
  // processors' own conversion.
  const std::uint32_t magnitude = static_cast<std::uint32_t>(h & 0x7fffu) << 13;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1.0p112f);
  if ((h & 0x7c00u) == 0x7c00u) bits |= (h & 0x3ffu) != 0 ? 0x7fc00000u : 0x7f800000u;
  return std::bit_cast<float>(bits | (static_cast<std::uint32_t>(h & 0x8000u) << 16));
}

inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to 65520 or more: infinity
  if (magnitude < 0x38800000u) {                        // below 2^-14: adding 1/2 rounds at the subnormals' last bit
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
                                             0x3f000000u);
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<std::uint16_t>((rounded - 0x38000000u) >> 13);
}

inline float bfloat16_to_float(std::uint16_t b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16);
}

inline std::uint16_t float_to_bfloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);  // keep NaN a NaN
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace loewner
