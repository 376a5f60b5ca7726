// SPDX-License-Identifier: Apache-2.0
#include "detail/hadamard.hpp"

#include <array>
#include <cmath>

#include "detail/dispatch.hpp"
#include "detail/vector8.hpp"

namespace loewner::detail {
namespace {

// The last three steps, strides 4, 2 and 1, inside eight lanes.
LOEWNER_INLINE Float8 hadamard8(Float8 x) {
  constexpr Float8 kSigns1 = {1, -1, 1, -1, 1, -1, 1, -1}, kSigns2 = {1, 1, -1, -1, 1, 1, -1, -1},
                   kSigns4 = {1, 1, 1, 1, -1, -1, -1, -1};
  x = __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3) + x * kSigns4;
  x = __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5) + x * kSigns2;
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6) + x * kSigns1;
}

LOEWNER_INLINE void hadamard_short(float* x, Index length, float scale) {
  for (Index stride = length / 2; stride >= 1; stride /= 2) {
    for (Index first = 0; first < length; first += 2 * stride) {
      for (Index i = first; i < first + stride; ++i) {
        const float a = x[i], b = x[i + stride];
        x[i] = a + b;
        x[i + stride] = a - b;
      }
    }
  }
  for (Index i = 0; i < length; ++i) x[i] *= scale;
}

LOEWNER_INLINE void hadamard_body(float* x, Index length) {
  const float scale = 1 / std::sqrt(static_cast<float>(length));
  if (length < 8) return hadamard_short(x, length, scale);
  for (Index stride = length / 2; stride >= 8; stride /= 2) {
    for (Index first = 0; first < length; first += 2 * stride) {
      for (Index i = first; i < first + stride; i += 8) {
        const Float8 a = load8(x + i), b = load8(x + i + stride);
        store8(x + i, a + b);
        store8(x + i + stride, a - b);
      }
    }
  }
  for (Index i = 0; i < length; i += 8) store8(x + i, hadamard8(load8(x + i)) * all8(scale));
}

LOEWNER_INLINE void mix_blocks_body(float* x, Index length, Index blocks, const float* q) {
  std::array<Float8, 63> in;
  std::array<float, 63> lane;
  Index i = 0;
  for (; i + 8 <= length; i += 8) {
    for (Index k = 0; k < blocks; ++k) in[k] = load8(x + k * length + i);
    for (Index j = 0; j < blocks; ++j) {
      Float8 sum = in[0] * all8(q[j * blocks]);
      for (Index k = 1; k < blocks; ++k) sum += in[k] * all8(q[j * blocks + k]);
      store8(x + j * length + i, sum);
    }
  }
  for (; i < length; ++i) {
    for (Index k = 0; k < blocks; ++k) lane[k] = x[k * length + i];
    for (Index j = 0; j < blocks; ++j) {
      float sum = lane[0] * q[j * blocks];
      for (Index k = 1; k < blocks; ++k) sum += lane[k] * q[j * blocks + k];
      x[j * length + i] = sum;
    }
  }
}

}  // namespace

LOEWNER_DISPATCH(hadamard, (float* x, Index length), (x, length))
LOEWNER_DISPATCH(mix_blocks, (float* x, Index length, Index blocks, const float* q), (x, length, blocks, q))

}  // namespace loewner::detail
