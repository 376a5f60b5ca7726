// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/dtype.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/base/number_format.hpp"

namespace loewner {
namespace {

struct DTypeFacts {
  DType dtype;
  std::string_view name;
  Index bits;
};

// In the order of the enumerators.
constexpr std::array kFacts = {
    DTypeFacts{DType::f64, "F64", 64},
    DTypeFacts{DType::f32, "F32", 32},
    DTypeFacts{DType::f16, "F16", 16},
    DTypeFacts{DType::bf16, "BF16", 16},
    DTypeFacts{DType::f8_e4m3, "F8_E4M3", 8},
    DTypeFacts{DType::f8_e5m2, "F8_E5M2", 8},
    DTypeFacts{DType::f8_e8m0, "F8_E8M0", 8},
    DTypeFacts{DType::f8_e4m3fnuz, "F8_E4M3FNUZ", 8},
    DTypeFacts{DType::f8_e5m2fnuz, "F8_E5M2FNUZ", 8},
    DTypeFacts{DType::f6_e2m3, "F6_E2M3", 6},
    DTypeFacts{DType::f6_e3m2, "F6_E3M2", 6},
    DTypeFacts{DType::f4, "F4", 4},
    DTypeFacts{DType::c64, "C64", 64},
    DTypeFacts{DType::i64, "I64", 64},
    DTypeFacts{DType::i32, "I32", 32},
    DTypeFacts{DType::i16, "I16", 16},
    DTypeFacts{DType::i8, "I8", 8},
    DTypeFacts{DType::u64, "U64", 64},
    DTypeFacts{DType::u32, "U32", 32},
    DTypeFacts{DType::u16, "U16", 16},
    DTypeFacts{DType::u8, "U8", 8},
    DTypeFacts{DType::boolean, "BOOL", 8},
};

const DTypeFacts& facts_of(DType dtype) {
  const auto& facts = kFacts[static_cast<std::size_t>(dtype)];
  LOEWNER_ASSERT(facts.dtype == dtype);
  return facts;
}

void decode_f64(const std::byte* in, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    double stored = 0;
    std::memcpy(&stored, in + i * sizeof stored, sizeof stored);
    values[i] = static_cast<float>(stored);
  }
}

// An 8-bit float with `mantissa` bits behind its sign and exponent. E4M3 has NaN and no infinity, E5M2
// both, like the larger formats.
float number_of_f8(unsigned bits, int mantissa, int bias) {
  const int exponent = static_cast<int>(bits & 0x7FU) >> mantissa;
  const int fraction = static_cast<int>(bits) & ((1 << mantissa) - 1);
  const bool has_infinity = mantissa == 2;
  const bool is_special = has_infinity ? exponent == 31 : (bits & 0x7FU) == 0x7FU;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float value = std::ldexp(static_cast<float>(exponent == 0 ? fraction : fraction + (1 << mantissa)),
                           std::max(exponent, 1) - bias - mantissa);
  if (is_special) value = has_infinity && fraction == 0 ? kInfinity : std::numeric_limits<float>::quiet_NaN();
  return (bits & 0x80U) != 0 ? -value : value;
}

template <int mantissa, int bias>
void decode_f8(const std::byte* in, std::span<float> values) {
  static const auto numbers = [] {
    std::array<float, 256> all{};
    for (unsigned bits = 0; bits < all.size(); ++bits) all[bits] = number_of_f8(bits, mantissa, bias);
    return all;
  }();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = numbers[std::to_integer<unsigned>(in[i])];
}

}  // namespace

std::string_view to_string(DType dtype) {
  return facts_of(dtype).name;
}

std::optional<DType> dtype_from_string(std::string_view name) {
  for (const auto& facts : kFacts) {
    if (facts.name == name) return facts.dtype;
  }
  return std::nullopt;
}

Index bits_of(DType dtype) {
  return facts_of(dtype).bits;
}

Index size_of(DType dtype) {
  LOEWNER_ASSERT(bits_of(dtype) % 8 == 0);
  return bits_of(dtype) / 8;
}

bool is_float_readable(DType dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || is_float8(dtype);
}

bool is_float8(DType dtype) {
  return dtype == DType::f8_e4m3 || dtype == DType::f8_e5m2;
}

DType decoded_dtype(DType dtype) {
  return is_float8(dtype) ? DType::bf16 : dtype;
}

void decode_to_float(const std::byte* in, DType dtype, std::span<float> values) {
  switch (dtype) {
    case DType::f64:
      return decode_f64(in, values);
    case DType::f32:
      return decode_numbers(in, NumberFormat::f32, values);
    case DType::f16:
      return decode_numbers(in, NumberFormat::f16, values);
    case DType::bf16:
      return decode_numbers(in, NumberFormat::bf16, values);
    case DType::f8_e4m3:
      return decode_f8<3, 7>(in, values);
    case DType::f8_e5m2:
      return decode_f8<2, 15>(in, values);
    default:
      throw InvalidArgument("only F64, F32, F16, BF16, F8_E4M3 and F8_E5M2 are read as numbers, got " +
                            std::string(to_string(dtype)));
  }
}

}  // namespace loewner
