// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "base/vector8.hpp"
#include "loewner/base/number_format.hpp"
#include "loewner/codec/integers.hpp"

namespace loewner::detail {

/// The values offset + code * step of a group. Both are rounded to halves before the codes are
/// computed.
struct IntegerGrid {
  std::uint16_t step = 0, offset = 0;
};

inline float grid_value(std::uint16_t half, int exponent) {
  return std::ldexp(half_to_float(half), exponent);
}

struct ValueRange {
  float low, high;
};

// The range of at least one value, eight values at a time: rounding spends most of its time here.
inline ValueRange range_of(std::span<const float> values) {
  Float8 low = all8(values.front()), high = low;
  std::size_t j = 0;
  for (; j + 8 <= values.size(); j += 8) {
    const Float8 x = load8(values.data() + j);
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  ValueRange range{low[0], high[0]};
  for (int lane = 1; lane < 8; ++lane) range = {std::min(range.low, low[lane]), std::max(range.high, high[lane])};
  for (; j < values.size(); ++j) range = {std::min(range.low, values[j]), std::max(range.high, values[j])};
  return range;
}

/// The grid from the smallest to the largest value. Values beyond the range of the exponent, which
/// feedback may cause, have the nearest grid.
inline IntegerGrid integer_grid(const ValueRange& values, const Integers::Shape& shape) {
  const auto [low, high] = values;
  const double range = static_cast<double>(high) - static_cast<double>(low);
  constexpr double kLargestHalf = 65504;
  const auto half = [&](double x) {
    return float_to_half(
        static_cast<float>(std::clamp(std::ldexp(x, -shape.scale_exponent), -kLargestHalf, kLargestHalf)));
  };
  return {half(range / ((1 << shape.bits) - 1)), half(low)};
}

/// The code of entry x as a float: the nearest of 0 ... 2^bits - 1. Adding 1.5 2^23 leaves no bits
/// for a fraction, so the addition rounds without a call, and the compiler can vectorize it.
inline float integer_code(float x, float step, float offset, int bits) {
  constexpr float kNoFraction = 12582912;
  if (!(step > 0)) return 0;
  const float code = std::clamp((x - offset) / step, 0.0F, static_cast<float>((1 << bits) - 1));
  return (code + kNoFraction) - kNoFraction;
}

inline IntegerGrid integer_grid(std::span<const float> values, const Integers::Shape& shape) {
  return integer_grid(range_of(values), shape);
}

/// Puts the code of entry j into a row of codes, whose bits of this entry are 0.
inline void put_code(std::uint8_t* row, Index j, int bits, unsigned code) {
  row[j * bits / 8] |= static_cast<std::uint8_t>(code << (j * bits % 8));
}

}  // namespace loewner::detail
