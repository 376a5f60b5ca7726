// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "detail/dispatch.hpp"

// Eight lanes in the compilers' own vector types: one source for every processor, and, since lanes never meet except in
// the shuffles that are written out, the same bits on all of them.
namespace loewner::detail {

using Float8 = float __attribute__((vector_size(32)));
using Int8 = std::int32_t __attribute__((vector_size(32)));
using Byte8 = std::int8_t __attribute__((vector_size(8)));

LOEWNER_INLINE Float8 load8(const float* p) {
  Float8 x;
  std::memcpy(&x, p, sizeof(x));
  return x;
}

LOEWNER_INLINE void store8(float* p, Float8 x) {
  std::memcpy(p, &x, sizeof(x));
}

LOEWNER_INLINE Float8 all8(float x) {
  return Float8{x, x, x, x, x, x, x, x};
}

LOEWNER_INLINE Int8 all8(std::int32_t x) {
  return Int8{x, x, x, x, x, x, x, x};
}

/// Lane i is x[index[i]], each index in [0, 8).
LOEWNER_INLINE Float8 permute8(Float8 x, Int8 index) {
#if defined(__clang__)  // which has no shuffle by variable indices
  Float8 y;
  for (int i = 0; i < 8; ++i) y[i] = x[index[i]];
  return y;
#else
  return __builtin_shuffle(x, index);
#endif
}

}  // namespace loewner::detail
