// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// The element types of safetensors files, under the names they have there (`F32`, `BF16`, ...).
enum class DType {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f6_e2m3,
  f6_e3m2,
  f4,
  c64,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  boolean
};

/// The name of a type in safetensors files.
///
/// Errors    none.
std::string_view to_string(DType dtype);

/// The type of that name; nothing for other texts.
///
/// Errors    none.
std::optional<DType> dtype_from_string(std::string_view name);

/// Bits of one element. Elements of F4 and F6 types share bytes.
///
/// Errors    none.
Index bits_of(DType dtype);

/// Bytes of one element, for types whose elements are whole bytes.
///
/// Errors    none.
Index size_of(DType dtype);

/// Whether decode_to_float() reads the type: F64, F32, F16, BF16, F8_E4M3 and F8_E5M2.
///
/// Errors    none.
bool is_float_readable(DType dtype);

/// Whether the type is F8_E4M3 or F8_E5M2, whose numbers often have a scale in another tensor.
///
/// Errors    none.
bool is_float8(DType dtype);

/// The type in which decoded numbers of a readable type are written again: BF16 for 8-bit floats,
/// whose scales are part of the numbers then, and the type itself for others.
///
/// Errors    none.
DType decoded_dtype(DType dtype);

/// Converts stored little-endian values to float32.
///
/// Shapes    in: values.size() elements of `dtype`.
/// Method    decode_numbers(); one conversion after another for F64.
/// Cost      one pass.
/// Accuracy  exact; F64 is rounded to nearest.
/// Errors    InvalidArgument unless is_float_readable(dtype).
void decode_to_float(const std::byte* in, DType dtype, std::span<float> values);

}  // namespace loewner
