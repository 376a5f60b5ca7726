// SPDX-License-Identifier: Apache-2.0
#include "codec/hadamard.hpp"

#include <array>
#include <cmath>

#include "base/dispatch.hpp"
#include "base/vector_register.hpp"

namespace loewner::detail {
namespace {

template <int kBytes>
using Lanes = RegisterValues<kBytes, float>;

// The last steps, within the lanes of a vector: strides 4, 2 and 1, and before them 8 in 16 lanes.
LOEWNER_INLINE Lanes<32> hadamard_of_lanes(Lanes<32> x) {
  constexpr Lanes<32> kSigns1 = {1, -1, 1, -1, 1, -1, 1, -1}, kSigns2 = {1, 1, -1, -1, 1, 1, -1, -1},
                      kSigns4 = {1, 1, 1, 1, -1, -1, -1, -1};
  x = __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3) + x * kSigns4;
  x = __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5) + x * kSigns2;
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6) + x * kSigns1;
}

LOEWNER_INLINE Lanes<64> hadamard_of_lanes(Lanes<64> x) {
  constexpr Lanes<64> kSigns1 = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
                      kSigns2 = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
                      kSigns4 = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
                      kSigns8 = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  x = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7) + x * kSigns8;
  x = __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11) + x * kSigns4;
  x = __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) + x * kSigns2;
  return __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14) + x * kSigns1;
}

template <typename Real>
LOEWNER_INLINE void hadamard_by_steps(Real* x, Index length, Real scale) {
  for (Index stride = length / 2; stride >= 1; stride /= 2) {
    for (Index first = 0; first < length; first += 2 * stride) {
      for (Index i = first; i < first + stride; ++i) {
        const Real a = x[i], b = x[i + stride];
        x[i] = a + b;
        x[i + stride] = a - b;
      }
    }
  }
  for (Index i = 0; i < length; ++i) x[i] *= scale;
}

template <int kBytes>
constexpr Index kWidth = kBytes / Index{sizeof(float)};

// Steps with strides kCount / 2 * stride, ..., stride on kCount vectors at distance `stride`, in registers.
template <int kBytes, std::size_t kCount>
LOEWNER_INLINE void butterflies(std::array<Lanes<kBytes>, kCount>& x) {
  for (std::size_t half = kCount / 2; half >= 1; half /= 2) {
    for (std::size_t i = 0; i < kCount; ++i) {
      if ((i & half) != 0) continue;
      const Lanes<kBytes> a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
}

template <int kBytes, std::size_t kCount>
LOEWNER_INLINE void pass(float* x, Index length, Index stride) {
  for (Index first = 0; first < length; first += static_cast<Index>(kCount) * stride) {
    for (Index i = first; i < first + stride; i += kWidth<kBytes>) {
      std::array<Lanes<kBytes>, kCount> in;
      for (std::size_t k = 0; k < kCount; ++k) in[k] = load_register<kBytes>(x + i + static_cast<Index>(k) * stride);
      butterflies<kBytes>(in);
      for (std::size_t k = 0; k < kCount; ++k) store_register(x + i + static_cast<Index>(k) * stride, in[k]);
    }
  }
}

// The last steps on kCount consecutive vectors.
template <int kBytes, std::size_t kCount>
LOEWNER_INLINE void last_pass(float* x, Index length, float scale) {
  for (Index first = 0; first < length; first += kWidth<kBytes> * static_cast<Index>(kCount)) {
    std::array<Lanes<kBytes>, kCount> in;
    for (std::size_t k = 0; k < kCount; ++k)
      in[k] = load_register<kBytes>(x + first + kWidth<kBytes> * static_cast<Index>(k));
    butterflies<kBytes>(in);
    for (std::size_t k = 0; k < kCount; ++k) {
      store_register(x + first + kWidth<kBytes> * static_cast<Index>(k), hadamard_of_lanes(in[k]) * scale);
    }
  }
}

// Several steps at a time, with the same additions in the same order as single steps.
template <int kBytes>
LOEWNER_INLINE void hadamard_body(float* x, Index length) {
  const float scale = 1 / std::sqrt(static_cast<float>(length));
  if (length < kWidth<kBytes>) return hadamard_by_steps(x, length, scale);
  Index span = length;  // length of the blocks that remain after the previous steps
  for (; span >= 64 * kWidth<kBytes>; span /= 8) pass<kBytes, 8>(x, length, span / 8);
  if (span >= 16 * kWidth<kBytes>) {
    pass<kBytes, 4>(x, length, span / 4);
    span /= 4;
  }
  switch (span / kWidth<kBytes>) {
    case 8:
      return last_pass<kBytes, 8>(x, length, scale);
    case 4:
      return last_pass<kBytes, 4>(x, length, scale);
    case 2:
      return last_pass<kBytes, 2>(x, length, scale);
    default:
      return last_pass<kBytes, 1>(x, length, scale);
  }
}

// Q across the entries i, i + length, ... of the blocks.
template <typename Real>
LOEWNER_INLINE void mix_lane(Real* x, Index i, Index length, Index blocks, const float* q) {
  std::array<Real, 63> lane;
  for (Index k = 0; k < blocks; ++k) lane[k] = x[k * length + i];
  for (Index j = 0; j < blocks; ++j) {
    Real sum = lane[0] * q[j * blocks];
    for (Index k = 1; k < blocks; ++k) sum += lane[k] * q[j * blocks + k];
    x[j * length + i] = sum;
  }
}

template <int kBytes>
LOEWNER_INLINE void mix_blocks_any(float* x, Index length, Index blocks, const float* q) {
  std::array<Lanes<kBytes>, 63> in;
  Index i = 0;
  for (; i + kWidth<kBytes> <= length; i += kWidth<kBytes>) {
    for (Index k = 0; k < blocks; ++k) in[k] = load_register<kBytes>(x + k * length + i);
    for (Index j = 0; j < blocks; ++j) {
      Lanes<kBytes> sum = in[0] * q[j * blocks];
      for (Index k = 1; k < blocks; ++k) sum += in[k] * q[j * blocks + k];
      store_register(x + j * length + i, sum);
    }
  }
  for (; i < length; ++i) mix_lane(x, i, length, blocks, q);
}

template <int kBytes>
LOEWNER_INLINE void mix_blocks_body(float* x, Index length, Index blocks, const float* q) {
  if (blocks == 3) return mix_blocks_any<kBytes>(x, length, 3, q);  // 384, 768, 1536: unrolled
  mix_blocks_any<kBytes>(x, length, blocks, q);
}

LOEWNER_INLINE void multiply_entries_body(const float* x, const float* factors, float* y, Index count) {
  for (Index j = 0; j < count; ++j) y[j] = x[j] * factors[j];
}

LOEWNER_INLINE void scale_entries_body(float* x, const float* factors, float scale, Index count) {
  for (Index j = 0; j < count; ++j) x[j] *= scale * factors[j];
}

}  // namespace

// Products with signs are exact, so fused multiply-adds give the same bits.
LOEWNER_DISPATCH_BODIES(hadamard, (float* x, Index length), (x, length), hadamard_body<64>, hadamard_body<32>,
                        hadamard_body<32>, LOEWNER_FUSED)
LOEWNER_DISPATCH_BODIES(mix_blocks, (float* x, Index length, Index blocks, const float* q), (x, length, blocks, q),
                        mix_blocks_body<64>, mix_blocks_body<32>, mix_blocks_body<32>, )
LOEWNER_DISPATCH(multiply_entries, (const float* x, const float* factors, float* y, Index count),
                 (x, factors, y, count))
LOEWNER_DISPATCH(scale_entries, (float* x, const float* factors, float scale, Index count), (x, factors, scale, count))

void hadamard(double* x, Index length) {
  hadamard_by_steps(x, length, 1 / std::sqrt(static_cast<double>(length)));
}

void mix_blocks(double* x, Index length, Index blocks, const float* q) {
  for (Index i = 0; i < length; ++i) mix_lane(x, i, length, blocks, q);
}

void scale_entries(double* x, const float* factors, double scale, Index count) {
  for (Index j = 0; j < count; ++j) x[j] *= scale * static_cast<double>(factors[j]);
}

}  // namespace loewner::detail
