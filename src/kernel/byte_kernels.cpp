// SPDX-License-Identifier: Apache-2.0
#include "kernel/byte_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/dispatch.hpp"
#include "kernel/target_regions.hpp"

namespace loewner::detail {
namespace {

constexpr Index kBlocksAtOnce = 8;

// One word of each of as many blocks.
using Words = std::uint64_t __attribute__((vector_size(8 * kBlocksAtOnce)));

// The first `count` words, then zeros. bytes_avx512.inl has its own.
LOEWNER_INLINE Words load_words(const std::uint8_t* p, Index count) {
  Words words{};
  if (count == kBlocksAtOnce) {
    std::memcpy(&words, p, sizeof(words));
  } else {
    for (Index i = 0; i < count; ++i) {
      std::uint64_t word;
      std::memcpy(&word, p + 8 * i, sizeof(word));
      words[i] = word;
    }
  }
  return words;
}

namespace plain {
#include "kernel/bytes_plain.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {panel_of_outputs, panel_of_inputs, multiply, multiply_outputs, multiply_inputs};
}  // namespace plain

#if defined(__x86_64__)
LOEWNER_BEGIN_AVX2
namespace avx2 {
#include "kernel/bytes_avx2.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {panel_of_outputs, panel_of_inputs, multiply, multiply_outputs, multiply_inputs};
}  // namespace avx2
LOEWNER_END_TARGET

// GCC 12 warns of its own intrinsics, whose unused operands are undefined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
LOEWNER_BEGIN_AVX512_VNNI
namespace avx512 {
#include "kernel/bytes_avx512.inl"

#include "kernel/byte_kernels.inl"

constexpr ByteKernels kKernels = {panel_of_outputs, panel_of_inputs, multiply, multiply_outputs, multiply_inputs};
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
#if defined(__x86_64__)
  switch (isa()) {
    case Isa::amx:
      return amx::kKernels;
    case Isa::avx512_vnni:
      return avx512::kKernels;
    case Isa::avx512:
    case Isa::avx2:
      return avx2::kKernels;
    case Isa::scalar:
      return plain::kKernels;
  }
#endif
  return plain::kKernels;
}

}  // namespace loewner::detail
