// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/number_format.hpp"

#include <cstring>

#include "base/dispatch.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace loewner {
namespace {

// memcpy, since tensors of a safetensors file need not be aligned to their type. Compilers turn it into plain loads.
template <typename Stored, typename Convert>
LOEWNER_INLINE void decode_each(const std::byte* in, float* values, std::size_t count, Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, in + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert(stored);
  }
}

// Every processor with AVX2 has the F16C instructions.
#if defined(__x86_64__)
__attribute__((target("avx,f16c"))) void decode_halves_f16c(const std::byte* in, float* values, std::size_t count) {
  constexpr std::size_t kAtOnce = 8;
  std::size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i * sizeof(std::uint16_t)));
    _mm256_storeu_ps(values + i, _mm256_cvtph_ps(halves));
  }
  decode_each<std::uint16_t>(in + i * sizeof(std::uint16_t), values + i, count - i, half_to_float);
}
#endif

void decode_halves(const std::byte* in, float* values, std::size_t count) {
#if defined(__x86_64__)
  if (detail::isa() != detail::Isa::scalar) return decode_halves_f16c(in, values, count);
#endif
  decode_each<std::uint16_t>(in, values, count, half_to_float);
}

LOEWNER_INLINE void decode_bfloat16s_body(const std::byte* in, float* values, std::size_t count) {
  decode_each<std::uint16_t>(in, values, count, bfloat16_to_float);
}

LOEWNER_DISPATCH(decode_bfloat16s, (const std::byte* in, float* values, std::size_t count), (in, values, count))

template <typename Stored, typename Convert>
void encode_each(std::span<const float> values, std::byte* out, Convert convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Stored stored = convert(values[i]);
    std::memcpy(out + i * sizeof(Stored), &stored, sizeof(Stored));
  }
}

}  // namespace

std::string_view to_string(NumberFormat format) {
  switch (format) {
    case NumberFormat::f32:
      return "f32";
    case NumberFormat::f16:
      return "f16";
    case NumberFormat::bf16:
      return "bf16";
  }
  __builtin_unreachable();
}

std::optional<NumberFormat> number_format_from_string(std::string_view name) {
  for (const auto format : {NumberFormat::f32, NumberFormat::f16, NumberFormat::bf16}) {
    if (to_string(format) == name) return format;
  }
  return std::nullopt;
}

Index bytes_per_number(NumberFormat format) {
  return format == NumberFormat::f32 ? 4 : 2;
}

double largest_finite(NumberFormat format) {
  switch (format) {
    case NumberFormat::f32:
      return 0x1.fffffep127;
    case NumberFormat::f16:
      return 65504;
    case NumberFormat::bf16:
      return 0x1.fep127;
  }
  __builtin_unreachable();
}

void encode_numbers(std::span<const float> values, NumberFormat format, std::byte* out) {
  switch (format) {
    case NumberFormat::f32:
      std::memcpy(out, values.data(), values.size_bytes());
      return;
    case NumberFormat::f16:
      encode_each<std::uint16_t>(values, out, float_to_half);
      return;
    case NumberFormat::bf16:
      encode_each<std::uint16_t>(values, out, float_to_bfloat16);
      return;
  }
}

void decode_numbers(const std::byte* in, NumberFormat format, std::span<float> values) {
  switch (format) {
    case NumberFormat::f32:
      std::memcpy(values.data(), in, values.size_bytes());
      return;
    case NumberFormat::f16:
      return decode_halves(in, values.data(), values.size());
    case NumberFormat::bf16:
      return decode_bfloat16s(in, values.data(), values.size());
  }
}

}  // namespace loewner
