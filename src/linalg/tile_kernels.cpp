// SPDX-License-Identifier: Apache-2.0
#include "linalg/tile_kernels.hpp"

#include "base/vector_register.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace {

template <typename T>
LOEWNER_INLINE void widen_kernel_body(const T* row, Index count, double* __restrict wide) {
  for (Index j = 0; j < count; ++j) wide[j] = static_cast<double>(row[j]);
}

// One register with a value of each of several vectors; the vectors of a tile need several such registers.
template <int kBytes, int kPanels, typename Real>
LOEWNER_INLINE void multiply_tile(MatrixView<const Real> a, const Real* const (&x)[kPanels],
                                  Real* const (&u)[kPanels]) {
  constexpr Index kVectors = kTileVectors<Real>, kAtOnce = kBytes / static_cast<Index>(sizeof(Real));
  const Real* const rows = a.data();
  const Index cols = a.cols(), stride = a.stride();
  for (Index first = 0; first < kVectors; first += kAtOnce) {
    RegisterValues<kBytes, Real> sums[kPanels][kTile];
    for (int p = 0; p < kPanels; ++p) {
      for (Index i = 0; i < kTile; ++i) sums[p][i] = load_register<kBytes>(u[p] + kVectors * i + first);
    }
    for (Index j = 0; j < cols; ++j) {
      RegisterValues<kBytes, Real> xj[kPanels];
      for (int p = 0; p < kPanels; ++p) xj[p] = load_register<kBytes>(x[p] + kVectors * j + first);
      for (Index i = 0; i < kTile; ++i) {
        for (int p = 0; p < kPanels; ++p) sums[p][i] += rows[i * stride + j] * xj[p];
      }
    }
    for (int p = 0; p < kPanels; ++p) {
      for (Index i = 0; i < kTile; ++i) store_register(u[p] + kVectors * i + first, sums[p][i]);
    }
  }
}

template <int kBytes, int kPanels, typename Real>
LOEWNER_INLINE void multiply_tile_transposed(MatrixView<const Real> a, const Real* const (&u)[kPanels],
                                             Real* const (&y)[kPanels]) {
  constexpr Index kVectors = kTileVectors<Real>, kAtOnce = kBytes / static_cast<Index>(sizeof(Real));
  const Real* const rows = a.data();
  const Index cols = a.cols(), stride = a.stride();
  for (Index first = 0; first < kVectors; first += kAtOnce) {
    RegisterValues<kBytes, Real> ui[kPanels][kTile];
    for (int p = 0; p < kPanels; ++p) {
      for (Index i = 0; i < kTile; ++i) ui[p][i] = load_register<kBytes>(u[p] + kVectors * i + first);
    }
    for (Index j = 0; j < cols; ++j) {
      RegisterValues<kBytes, Real> sums[kPanels];
      for (int p = 0; p < kPanels; ++p) sums[p] = load_register<kBytes>(y[p] + kVectors * j + first);
      for (Index i = 0; i < kTile; ++i) {
        for (int p = 0; p < kPanels; ++p) sums[p] += rows[i * stride + j] * ui[p][i];
      }
      for (int p = 0; p < kPanels; ++p) store_register(y[p] + kVectors * j + first, sums[p]);
    }
  }
}

// Two panels at once if there are enough registers, so that products wait for values of the tile less often.
template <int kBytes, typename Real>
LOEWNER_INLINE void tile_product_kernel_body(MatrixView<const Real> a, Panels<const Real> x, Panels<Real> u) {
  Index p = 0;
  if constexpr (kBytes == 64) {
    for (; p + 2 <= x.count; p += 2) {
      multiply_tile<kBytes, 2, Real>(a, {x.panel(p), x.panel(p + 1)}, {u.panel(p), u.panel(p + 1)});
    }
  }
  for (; p < x.count; ++p) multiply_tile<kBytes, 1, Real>(a, {x.panel(p)}, {u.panel(p)});
}

template <int kBytes, typename Real>
LOEWNER_INLINE void transposed_tile_product_kernel_body(MatrixView<const Real> a, Panels<const Real> u,
                                                        Panels<Real> y) {
  Index p = 0;
  if constexpr (kBytes == 64) {
    for (; p + 2 <= u.count; p += 2) {
      multiply_tile_transposed<kBytes, 2, Real>(a, {u.panel(p), u.panel(p + 1)}, {y.panel(p), y.panel(p + 1)});
    }
  }
  for (; p < u.count; ++p) multiply_tile_transposed<kBytes, 1, Real>(a, {u.panel(p)}, {y.panel(p)});
}

LOEWNER_DISPATCH(widen_kernel, (const float* row, Index count, double* wide), (row, count, wide))
LOEWNER_DISPATCH(widen_kernel, (const double* row, Index count, double* wide), (row, count, wide))
LOEWNER_DISPATCH_FUSED(tile_product_kernel, (MatrixView<const double> a, Panels<const double> x, Panels<double> u),
                       (a, x, u))
LOEWNER_DISPATCH_FUSED(tile_product_kernel, (MatrixView<const float> a, Panels<const float> x, Panels<float> u),
                       (a, x, u))
LOEWNER_DISPATCH_FUSED(transposed_tile_product_kernel,
                       (MatrixView<const double> a, Panels<const double> u, Panels<double> y), (a, u, y))
LOEWNER_DISPATCH_FUSED(transposed_tile_product_kernel,
                       (MatrixView<const float> a, Panels<const float> u, Panels<float> y), (a, u, y))

}  // namespace

void widen(std::span<const float> row, std::span<double> wide) {
  widen_kernel(row.data(), static_cast<Index>(row.size()), wide.data());
}

void widen(std::span<const double> row, std::span<double> wide) {
  widen_kernel(row.data(), static_cast<Index>(row.size()), wide.data());
}

void add_tile_product(MatrixView<const double> a, Panels<const double> x, Panels<double> u) {
  LOEWNER_ASSERT(a.rows() == kTile && x.count == u.count);
  tile_product_kernel(a, x, u);
}

void add_tile_product(MatrixView<const float> a, Panels<const float> x, Panels<float> u) {
  LOEWNER_ASSERT(a.rows() == kTile && x.count == u.count);
  tile_product_kernel(a, x, u);
}

void add_transposed_tile_product(MatrixView<const double> a, Panels<const double> u, Panels<double> y) {
  LOEWNER_ASSERT(a.rows() == kTile && u.count == y.count);
  transposed_tile_product_kernel(a, u, y);
}

void add_transposed_tile_product(MatrixView<const float> a, Panels<const float> u, Panels<float> y) {
  LOEWNER_ASSERT(a.rows() == kTile && u.count == y.count);
  transposed_tile_product_kernel(a, u, y);
}

}  // namespace loewner::detail
