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

}  // namespace loewner::detail
