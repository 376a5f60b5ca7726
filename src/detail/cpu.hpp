// SPDX-License-Identifier: Apache-2.0
#pragma once

// Kernels that are worth it are compiled a second time for AVX2 and chosen when they run: the rest of the library stays
// portable. Fused multiply-adds are left out, so both versions give the same bits.
#if defined(__x86_64__) && defined(__GNUC__)
#define LOEWNER_TARGET_AVX2 __attribute__((target("avx2")))
#define LOEWNER_HAS_AVX2_KERNELS 1
#else
#define LOEWNER_HAS_AVX2_KERNELS 0
#endif

/// For the body that both versions share; it must be inlined to be compiled for the caller's target.
#define LOEWNER_KERNEL inline __attribute__((always_inline))

namespace loewner::detail {

#if LOEWNER_HAS_AVX2_KERNELS
inline bool cpu_has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}
#endif

}  // namespace loewner::detail
