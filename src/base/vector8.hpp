// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/dispatch.hpp"
#include "loewner/base/checked_size.hpp"

// Eight lanes in the vector types of the compilers: one source for every processor. Lanes mix only in explicit
// shuffles, so results have the same bits on all processors.
namespace loewner::detail {

using Float8 = float __attribute__((vector_size(32)));
using Int8 = std::int32_t __attribute__((vector_size(32)));
using Double8 = double __attribute__((vector_size(64)));
using Byte8 = std::int8_t __attribute__((vector_size(8)));

LOEWNER_INLINE Float8 load8(const float* p) {
  Float8 x;
  std::memcpy(&x, p, sizeof(x));
  return x;
}

/// The first count < 8 values, followed by zeros.
LOEWNER_INLINE Float8 load_part8(const float* p, Index count) {
  Float8 x{};
  for (Index i = 0; i < count; ++i) x[i] = p[i];
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

LOEWNER_INLINE Double8 widen8(Float8 x) {
  return __builtin_convertvector(x, Double8);
}

LOEWNER_INLINE Float8 abs8(Float8 x) {
  return reinterpret_cast<Float8>(reinterpret_cast<Int8>(x) & all8(std::int32_t{0x7fffffff}));
}

LOEWNER_INLINE Float8 sqrt8(Float8 x) {
  Float8 y;
  for (int i = 0; i < 8; ++i) y[i] = std::sqrt(x[i]);
  return y;
}

/// The sum of the lanes.
LOEWNER_INLINE double sum8(Double8 x) {
  return ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
}

/// Lane i is x[index[i]], each index in [0, 8).
LOEWNER_INLINE Float8 permute8(Float8 x, Int8 index) {
#if defined(__clang__)  // clang has no shuffle by variable indices
  Float8 y;
  for (int i = 0; i < 8; ++i) y[i] = x[index[i]];
  return y;
#else
  return __builtin_shuffle(x, index);
#endif
}

}  // namespace loewner::detail
