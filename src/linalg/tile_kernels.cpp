// SPDX-License-Identifier: Apache-2.0
#include "detail/tile_kernels.hpp"

#include "detail/register_values.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace {

template <typename T>
LOEWNER_INLINE void widen_kernel_body(const T* row, Index count, double* __restrict wide) {
  for (Index j = 0; j < count; ++j) wide[j] = static_cast<double>(row[j]);
}

// One value of each of as many vectors as fill a register: those of a tile in as many turns as their values need
// registers of the processor.
template <int kBytes, typename Real>
LOEWNER_INLINE void tile_product_kernel_body(MatrixView<const Real> a, const Real* x, Real* u, Ahead ahead) {
  constexpr Index kVectors = kTileVectors<Real>, kAtOnce = kBytes / static_cast<Index>(sizeof(Real));
  const Real* const rows = a.data();
  const Index cols = a.cols(), stride = a.stride();
  for (Index first = 0; first < kVectors; first += kAtOnce) {
    RegisterValues<kBytes, Real> sums[kTile];
    for (Index i = 0; i < kTile; ++i) sums[i] = load_register<kBytes>(u + kVectors * i + first);
    for (Index j = 0; j < cols; ++j) {
      if (first == 0) __builtin_prefetch(ahead.next + ahead.bytes_per_column * j, 0, 2);
      const auto xj = load_register<kBytes>(x + kVectors * j + first);
      for (Index i = 0; i < kTile; ++i) sums[i] += rows[i * stride + j] * xj;
    }
    for (Index i = 0; i < kTile; ++i) store_register(u + kVectors * i + first, sums[i]);
  }
}

template <int kBytes, typename Real>
LOEWNER_INLINE void transposed_tile_product_kernel_body(MatrixView<const Real> a, const Real* u, Real* __restrict y) {
  constexpr Index kVectors = kTileVectors<Real>, kAtOnce = kBytes / static_cast<Index>(sizeof(Real));
  const Real* const rows = a.data();
  const Index cols = a.cols(), stride = a.stride();
  for (Index first = 0; first < kVectors; first += kAtOnce) {
    RegisterValues<kBytes, Real> ui[kTile];
    for (Index i = 0; i < kTile; ++i) ui[i] = load_register<kBytes>(u + kVectors * i + first);
    for (Index j = 0; j < cols; ++j) {
      auto sum = load_register<kBytes>(y + kVectors * j + first);
      for (Index i = 0; i < kTile; ++i) sum += rows[i * stride + j] * ui[i];
      store_register(y + kVectors * j + first, sum);
    }
  }
}

LOEWNER_DISPATCH(widen_kernel, (const float* row, Index count, double* wide), (row, count, wide))
LOEWNER_DISPATCH(widen_kernel, (const double* row, Index count, double* wide), (row, count, wide))
LOEWNER_DISPATCH_FUSED(tile_product_kernel, (MatrixView<const double> a, const double* x, double* u, Ahead ahead),
                       (a, x, u, ahead))
LOEWNER_DISPATCH_FUSED(tile_product_kernel, (MatrixView<const float> a, const float* x, float* u, Ahead ahead),
                       (a, x, u, ahead))
LOEWNER_DISPATCH_FUSED(transposed_tile_product_kernel, (MatrixView<const double> a, const double* u, double* y),
                       (a, u, y))
LOEWNER_DISPATCH_FUSED(transposed_tile_product_kernel, (MatrixView<const float> a, const float* u, float* y), (a, u, y))

}  // namespace

void widen(std::span<const float> row, std::span<double> wide) {
  widen_kernel(row.data(), static_cast<Index>(row.size()), wide.data());
}

void widen(std::span<const double> row, std::span<double> wide) {
  widen_kernel(row.data(), static_cast<Index>(row.size()), wide.data());
}

void add_tile_product(MatrixView<const double> a, const double* x, double* u, Ahead ahead) {
  LOEWNER_ASSERT(a.rows() == kTile);
  tile_product_kernel(a, x, u, ahead);
}

void add_tile_product(MatrixView<const float> a, const float* x, float* u, Ahead ahead) {
  LOEWNER_ASSERT(a.rows() == kTile);
  tile_product_kernel(a, x, u, ahead);
}

void add_transposed_tile_product(MatrixView<const double> a, const double* u, double* y) {
  LOEWNER_ASSERT(a.rows() == kTile);
  transposed_tile_product_kernel(a, u, y);
}

void add_transposed_tile_product(MatrixView<const float> a, const float* u, float* y) {
  LOEWNER_ASSERT(a.rows() == kTile);
  transposed_tile_product_kernel(a, u, y);
}

}  // namespace loewner::detail
