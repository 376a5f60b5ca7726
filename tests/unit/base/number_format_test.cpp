// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/number_format.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "base/dispatch.hpp"
#include "loewner/base/random.hpp"

namespace loewner {
namespace {

// The value of a half by its definition, sign * 2^(e-15) * (1 + m/1024), as the oracle for the bit tricks.
double half_by_definition(std::uint16_t h) {
  const int exponent = (h >> 10) & 31, mantissa = h & 1023;
  const double sign = (h & 0x8000) ? -1 : 1;
  if (exponent == 31) return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Half, EveryBitPatternDecodesToItsDefinition) {
  for (int h = 0; h < 65536; ++h) {
    const double expected = half_by_definition(static_cast<std::uint16_t>(h));
    const double got = half_to_float(static_cast<std::uint16_t>(h));
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(got)) << h;
    } else {
      ASSERT_EQ(got, expected) << h;
    }
  }
}

TEST(Half, TensorsDecodeAsSingleValuesWithAnyInstructionSet) {
  std::vector<std::uint16_t> halves(65536 + 1);
  for (std::size_t h = 0; h < halves.size(); ++h) halves[h] = static_cast<std::uint16_t>(h);
  std::vector<std::byte> stored(2 * halves.size() + 1);  // at an odd address
  std::memcpy(stored.data() + 1, halves.data(), 2 * halves.size());
  std::vector<float> values(halves.size());
  for (const auto most : {detail::Isa::scalar, detail::Isa::avx2, detail::Isa::avx512_vnni}) {
    detail::limit_isa(most);
    for (const auto& [format, convert] :
         {std::pair{NumberFormat::f16, &half_to_float}, std::pair{NumberFormat::bf16, &bfloat16_to_float}}) {
      decode_numbers(stored.data() + 1, format, values);
      for (std::size_t h = 0; h < halves.size(); ++h) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(values[h]), std::bit_cast<std::uint32_t>(convert(halves[h]))) << h;
      }
    }
  }
  detail::limit_isa(detail::Isa::amx);
}

TEST(Half, EveryFiniteValueSurvivesARoundTrip) {
  for (int h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    if (((h >> 10) & 31) == 31 && (h & 1023) != 0) continue;  // NaN payloads are not kept
    ASSERT_EQ(float_to_half(half_to_float(half)), half) << h;
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  RandomStream random(3, RandomPurpose::test_data);
  for (int i = 0; i < 20000; ++i) {
    const auto low = static_cast<std::uint16_t>(random.below(0x7bff));
    const float a = half_to_float(low), b = half_to_float(low + 1);
    const float middle = static_cast<float>((static_cast<double>(a) + b) / 2);
    ASSERT_EQ(float_to_half(middle), (low & 1) ? low + 1 : low) << low;
    ASSERT_EQ(float_to_half(std::nextafter(middle, a)), low) << low;
    ASSERT_EQ(float_to_half(std::nextafter(middle, b)), low + 1) << low;
  }
}

TEST(Half, OverflowsToInfinityAtTheRoundingLimit) {
  EXPECT_EQ(float_to_half(65519.996F), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0F), 0x7c00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Bfloat16, RoundsToNearestEvenAndKeepsNan) {
  EXPECT_EQ(float_to_bfloat16(1.0F), 0x3f80);
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x3f808000U)), 0x3f80);  // tie: even stays
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x3f818000U)), 0x3f82);  // tie: odd goes up
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(NumberFormat, NamesRoundTripAndUnknownNamesAreNothing) {
  for (const auto format : {NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16}) {
    EXPECT_EQ(number_format_from_string(to_string(format)), format);
  }
  EXPECT_FALSE(number_format_from_string("f64").has_value());
}

}  // namespace
}  // namespace loewner
