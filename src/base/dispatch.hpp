// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Runtime dispatch: a kernel is written once as an always-inline function. A thin function with the target attribute
// compiles it for each instruction set. Without fused multiply-adds (CMakeLists.txt) all give the same bits.
namespace loewner::detail {

// In the order of preference.
enum class Isa {
  scalar,
  neon_dot,  ///< on ARM: integer dot products of ARMv8.2
  avx2,
  avx_vnni,  ///< and GFNI: products of bytes and of matrices of bits, 32 bytes at a time
  avx512,
  avx512_vnni,  ///< and VBMI and GFNI: products and shuffles of bytes
  amx,          ///< and tiles: products of matrices of bytes
};

/// The best instruction set of this processor, at most the one that LOEWNER_ISA names (plain, avx2, avx_vnni, avx512,
/// avx512_vnni, amx) and the limit of limit_isa. A processor may lack one before its best.
Isa isa();

/// Limits the instruction set on all threads, for tests and benchmarks.
void limit_isa(Isa most);

}  // namespace loewner::detail

#if defined(__x86_64__)
#define LOEWNER_TARGET_AVX2 __attribute__((target("avx2")))
#define LOEWNER_TARGET_AVX512 __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl")))
#define LOEWNER_TARGET_FMA __attribute__((target("fma")))
#else
#define LOEWNER_TARGET_AVX2
#define LOEWNER_TARGET_AVX512
#define LOEWNER_TARGET_FMA
#endif

#if defined(__clang__)
#define LOEWNER_FUSED  // clang has no such attribute: kernels are slower, results as accurate
#else
#define LOEWNER_FUSED __attribute__((optimize("fp-contract=fast"))) LOEWNER_TARGET_FMA
#endif

/// For kernel bodies and every function that they call with vectors, which must be function objects instead of lambdas:
/// inlined, they are compiled for the caller's instruction set.
#define LOEWNER_INLINE [[gnu::always_inline]] inline

/// Defines `name(parameters)`, which calls the always-inline `name##_body` compiled for the current processor.
#define LOEWNER_DISPATCH(name, parameters, arguments) \
  LOEWNER_DISPATCH_BODIES(name, parameters, arguments, name##_body, name##_body, name##_body, )

/// The same for a template over the bytes of a vector register, since wider vectors would live in memory. From AVX2 on
/// it uses fused multiply-adds.
#define LOEWNER_DISPATCH_FUSED(name, parameters, arguments) \
  LOEWNER_DISPATCH_BODIES(name, parameters, arguments, name##_body<64>, name##_body<32>, name##_body<16>, LOEWNER_FUSED)

#define LOEWNER_DISPATCH_BODIES(name, parameters, arguments, body_avx512, body_avx2, body_scalar, attributes) \
  namespace {                                                                                                 \
  attributes LOEWNER_TARGET_AVX2 void name##_avx2 parameters {                                                \
    body_avx2 arguments;                                                                                      \
  }                                                                                                           \
  attributes LOEWNER_TARGET_AVX512 void name##_avx512 parameters {                                            \
    body_avx512 arguments;                                                                                    \
  }                                                                                                           \
  void name##_scalar parameters {                                                                             \
    body_scalar arguments;                                                                                    \
  }                                                                                                           \
  }                                                                                                           \
  void name parameters {                                                                                      \
    switch (::loewner::detail::isa()) {                                                                       \
      case ::loewner::detail::Isa::amx:                                                                       \
      case ::loewner::detail::Isa::avx512_vnni:                                                               \
      case ::loewner::detail::Isa::avx512:                                                                    \
        return name##_avx512 arguments;                                                                       \
      case ::loewner::detail::Isa::avx_vnni:                                                                  \
      case ::loewner::detail::Isa::avx2:                                                                      \
        return name##_avx2 arguments;                                                                         \
      case ::loewner::detail::Isa::neon_dot:                                                                  \
      case ::loewner::detail::Isa::scalar:                                                                    \
        return name##_scalar arguments;                                                                       \
    }                                                                                                         \
  }
