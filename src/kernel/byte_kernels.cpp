// SPDX-License-Identifier: Apache-2.0
#include "kernel/byte_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/dispatch.hpp"
#include "kernel/byte_tokens.hpp"
#include "kernel/target_regions.hpp"

namespace loewner::detail {
namespace {

constexpr Index kBlocksAtOnce = 8;

// One word of each of as many blocks.
using Words = std::uint64_t __attribute__((vector_size(8 * kBlocksAtOnce)));

LOEWNER_INLINE std::uint64_t word_at(const std::uint8_t* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// Asks for a byte that will be read soon. Nothing should be asked for far behind the end of an array: the processor
// would search for pages that do not exist.
LOEWNER_INLINE void fetch(const std::uint8_t* p, Index distance) {
  // In integers, since it may be past the end.
  const std::uintptr_t place = reinterpret_cast<std::uintptr_t>(p) + static_cast<std::uintptr_t>(distance);
  __builtin_prefetch(reinterpret_cast<const void*>(place));  // NOLINT(performance-no-int-to-ptr)
}

// Asks for the bytes that will be decoded next: codes of a vector follow those of the vector before, up to four are
// decoded at a time. The processor itself does not foresee them: each plane is a short sequence of its own.
LOEWNER_INLINE void fetch_ahead(const CodedVector& vector, const std::uint8_t* p) {
  constexpr Index kBytesAhead = 12288;
  if (vector.followed) fetch(p, kBytesAhead);
}

// The low bytes of the numbers of levels. As a table of levels they make kernels decode numbers.
constexpr struct Numbers {
  std::uint8_t values[512];

  constexpr Numbers() : values() {
    for (unsigned j = 0; j < 512; ++j) values[j] = static_cast<std::uint8_t>(j);
  }
} kNumbers;

// The columns of the identity of 8 x 8 bits.
constexpr std::uint64_t kColumns = 0x8040201008040201;

namespace plain {
#include "kernel/bytes_plain.inl"

#include "kernel/parities_by_shifts.inl"

#include "kernel/levels.inl"

#include "kernel/along_by_words.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {decode_floats,    decode_levels, unpack_codes,  panel_of_outputs, panel_of_rows,
                                  panels_of_inputs, multiply,      multiply_rows, multiply_outputs, multiply_inputs};
}  // namespace plain

#if defined(__aarch64__)
LOEWNER_BEGIN_NEON_DOT
namespace neon {
#include "kernel/bytes_neon.inl"

#include "kernel/parities_by_shifts.inl"

#include "kernel/levels.inl"

#include "kernel/along_by_words.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {decode_floats,    decode_levels, unpack_codes,  panel_of_outputs, panel_of_rows,
                                  panels_of_inputs, multiply,      multiply_rows, multiply_outputs, multiply_inputs};
}  // namespace neon
LOEWNER_END_TARGET
#endif

#if defined(__x86_64__)
LOEWNER_BEGIN_AVX2
namespace avx2 {
#include "kernel/bytes_256.inl"

#include "kernel/bytes_avx2.inl"

#include "kernel/parities_by_shifts.inl"

#include "kernel/levels.inl"

#include "kernel/along_by_words.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {decode_floats,    decode_levels, unpack_codes,  panel_of_outputs, panel_of_rows,
                                  panels_of_inputs, multiply,      multiply_rows, multiply_outputs, multiply_inputs};
}  // namespace avx2
LOEWNER_END_TARGET

LOEWNER_BEGIN_AVX_VNNI
namespace avx_vnni {
#include "kernel/bytes_256.inl"

#include "kernel/bytes_avx_vnni.inl"

#include "kernel/parities_by_bits.inl"

#include "kernel/levels.inl"

#include "kernel/along_by_words.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {decode_floats,    decode_levels, unpack_codes,  panel_of_outputs, panel_of_rows,
                                  panels_of_inputs, multiply,      multiply_rows, multiply_outputs, multiply_inputs};
}  // namespace avx_vnni
LOEWNER_END_TARGET

// GCC 12 warns of its own intrinsics, whose unused operands are undefined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
LOEWNER_BEGIN_AVX512_VNNI
namespace avx512 {
#include "kernel/bytes_avx512.inl"

#include "kernel/parities_by_bits.inl"

#include "kernel/levels.inl"

#include "kernel/along_by_bits.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {decode_floats,    decode_levels, unpack_codes,  panel_of_outputs, panel_of_rows,
                                  panels_of_inputs, multiply,      multiply_rows, multiply_outputs, multiply_inputs};
}  // namespace avx512
LOEWNER_END_TARGET

LOEWNER_BEGIN_AMX
namespace amx {
using avx512::Bytes;

#include "kernel/bytes_amx.inl"
}  // namespace amx
LOEWNER_END_TARGET
#pragma GCC diagnostic pop
#endif
}  // namespace

const ByteKernels& byte_kernels() {
  switch (isa()) {
#if defined(__aarch64__)
    case Isa::neon_dot:
      return neon::kKernels;
#elif defined(__x86_64__)
    case Isa::amx:
      return amx::kKernels;
    case Isa::avx512_vnni:
      return avx512::kKernels;
    case Isa::avx_vnni:
      return avx_vnni::kKernels;
    case Isa::avx512:
    case Isa::avx2:
      return avx2::kKernels;
#endif
    default:
      return plain::kKernels;
  }
}

}  // namespace loewner::detail
