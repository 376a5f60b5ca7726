// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/dtype.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {
namespace {

constexpr DType kAll[] = {DType::f64,     DType::f32,     DType::f16,         DType::bf16,        DType::f8_e4m3,
                          DType::f8_e5m2, DType::f8_e8m0, DType::f8_e4m3fnuz, DType::f8_e5m2fnuz, DType::f6_e2m3,
                          DType::f6_e3m2, DType::f4,      DType::c64,         DType::i64,         DType::i32,
                          DType::i16,     DType::i8,      DType::u64,         DType::u32,         DType::u16,
                          DType::u8,      DType::boolean};

TEST(DType, EveryNameLeadsBackToItsType) {
  for (const DType dtype : kAll) EXPECT_EQ(dtype_from_string(to_string(dtype)), dtype) << to_string(dtype);
  EXPECT_EQ(dtype_from_string("f32"), std::nullopt);
}

TEST(DType, SizesFollowFromTheNames) {
  for (const DType dtype : kAll) {
    const auto name = to_string(dtype);
    const Index expected = name == "BOOL" ? 8 : std::stoi(std::string(name.substr(name.find_first_of("0123456789"))));
    EXPECT_EQ(bits_of(dtype), expected) << name;
    if (expected % 8 == 0) {
      EXPECT_EQ(size_of(dtype), expected / 8) << name;
    }
  }
}

TEST(DType, ElementsSmallerThanAByteFillWholeBytes) {
  EXPECT_EQ(byte_count({.name = "m", .dtype = DType::f4, .shape = {3, 4}}), 6);
  EXPECT_EQ(byte_count({.name = "m", .dtype = DType::f4, .shape = {3, 3}}), std::nullopt);
  EXPECT_EQ(byte_count({.name = "m", .dtype = DType::f6_e2m3, .shape = {4}}), 3);
  EXPECT_EQ(byte_count({.name = "m", .dtype = DType::f4, .shape = {}}), std::nullopt);
}

TEST(DType, OnlyFloatingPointTypesAreReadAsNumbers) {
  std::byte bytes[8] = {};
  float value = 1;
  for (const DType dtype : kAll) {
    if (is_float_readable(dtype)) {
      EXPECT_NO_THROW(decode_to_float(bytes, dtype, {&value, 1}));
    } else {
      EXPECT_THROW(decode_to_float(bytes, dtype, {&value, 1}), InvalidArgument) << to_string(dtype);
    }
  }
}

TEST(DType, EightBitFloatsHaveTheNumbersOfTheirFormats) {
  const auto number = [](DType dtype, unsigned bits) {
    const auto stored = static_cast<std::byte>(bits);
    float value = 0;
    decode_to_float(&stored, dtype, {&value, 1});
    return value;
  };
  EXPECT_EQ(number(DType::f8_e4m3, 0x38), 1);
  EXPECT_EQ(number(DType::f8_e4m3, 0xB9), -1.125F);
  EXPECT_EQ(number(DType::f8_e4m3, 0x7E), 448);
  EXPECT_EQ(number(DType::f8_e4m3, 0x01), 0x1p-9F);
  EXPECT_TRUE(std::isnan(number(DType::f8_e4m3, 0xFF)));
  EXPECT_EQ(number(DType::f8_e5m2, 0x3C), 1);
  EXPECT_EQ(number(DType::f8_e5m2, 0x7B), 57344);
  EXPECT_EQ(number(DType::f8_e5m2, 0x01), 0x1p-16F);
  EXPECT_EQ(number(DType::f8_e5m2, 0xFC), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(number(DType::f8_e5m2, 0x7E)));
}

TEST(DType, OnlyEightBitFloatsAreDecodedToAnotherType) {
  for (const DType dtype : kAll) {
    EXPECT_EQ(decoded_dtype(dtype), is_float8(dtype) ? DType::bf16 : dtype) << to_string(dtype);
  }
}

TEST(DType, DoublesAreRoundedToNearest) {
  const double stored = 1 + 0x1.8p-24;  // nearer to 1 + 2^-23 than to 1
  std::byte bytes[8];
  std::memcpy(bytes, &stored, sizeof stored);
  float value = 0;
  decode_to_float(bytes, DType::f64, {&value, 1});
  EXPECT_EQ(value, 1 + 0x1p-23f);
}

}  // namespace
}  // namespace loewner
