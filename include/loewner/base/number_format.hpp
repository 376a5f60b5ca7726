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

/// The floating-point formats of stored factors and dense matrices.
enum class NumberFormat { f32, f16, bf16 };

/// The name of a format: f32, f16 or bf16.
///
/// Errors    none.
std::string_view to_string(NumberFormat format);

/// The format of a name, or nothing for an unknown name.
///
/// Errors    none.
std::optional<NumberFormat> number_format_from_string(std::string_view name);

/// The stored bytes of one number: 4 or 2.
///
/// Errors    none.
Index bytes_per_number(NumberFormat format);

/// Writes float32 values as little-endian numbers of a format, rounded to nearest even.
///
/// Shapes    out: values.size() * bytes_per_number(format) bytes, of any alignment.
/// Method    one conversion after another, with integer operations.
/// Cost      one pass.
/// Accuracy  the nearest number of the format. Values beyond its largest finite number become
///           infinity; callers that must not overflow compare with largest_finite first.
/// Errors    none.
void encode_numbers(std::span<const float> values, NumberFormat format, std::byte* out);

/// Reads values.size() stored numbers as float32.
///
/// Shapes    in: values.size() * bytes_per_number(format) bytes, of any alignment.
/// Method    vector instructions of the processor (F16C, AVX2) where it has them.
/// Cost      one pass.
/// Accuracy  exact; NaNs of halves become quiet.
/// Errors    none.
void decode_numbers(const std::byte* in, NumberFormat format, std::span<float> values);

/// The largest finite value of a format.
///
/// Errors    none.
double largest_finite(NumberFormat format);

// ---- one value at a time; branch-free where that lets the loops above vectorize ----

/// A binary16 number as float32, exactly; NaNs become quiet, as in the processors' own conversion.
///
/// Errors    none.
inline float half_to_float(std::uint16_t h) {
  // Shifts exponent and mantissa into place and corrects the exponent bias (15 -> 127) by one exact
  // multiplication, which also normalizes subnormals. Infinities and NaNs have their exponent set
  // by hand.
  const std::uint32_t magnitude = static_cast<std::uint32_t>(h & 0x7fffu) << 13;
  std::uint32_t bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1.0p112f);
  if ((h & 0x7c00u) == 0x7c00u) bits |= (h & 0x3ffu) != 0 ? 0x7fc00000u : 0x7f800000u;
  return std::bit_cast<float>(bits | (static_cast<std::uint32_t>(h & 0x8000u) << 16));
}

/// The nearest binary16 number, ties to even; NaN stays NaN.
///
/// Errors    none.
inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to 65520 or more: infinity
  if (magnitude < 0x38800000u) {                        // adding 1/2 rounds at the last bit
    return sign | static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
                                             0x3f000000u);
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<std::uint16_t>((rounded - 0x38000000u) >> 13);
}

/// A bfloat16 number as float32, exactly.
///
/// Errors    none.
inline float bfloat16_to_float(std::uint16_t b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b) << 16);
}

/// The nearest bfloat16 number, ties to even; NaN stays NaN.
///
/// Errors    none.
inline std::uint16_t float_to_bfloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  // NaN stays NaN
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace loewner
