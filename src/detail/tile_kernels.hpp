// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix_view.hpp"

// Products of dense rows with a few vectors: BLAS packs a matrix before it multiplies, which costs more than the
// product with so few.
namespace loewner::detail {

/// Rows of a tile.
inline constexpr Index kTile = 8;

/// Vectors of a tile: those that fill 64 bytes.
template <typename Real>
inline constexpr Index kTileVectors = 64 / static_cast<Index>(sizeof(Real));

/// wide = row
void widen(std::span<const float> row, std::span<double> wide);
void widen(std::span<const double> row, std::span<double> wide);

/// Memory that will be read next, brought into the cache while a tile is multiplied: read in turns with products, it
/// would be waited for.
struct Ahead {
  const char* next = nullptr;
  Index bytes_per_column = 0;
};

/// u += a x
///
/// Shapes    a: kTile rows of any stride, x: a.cols() x kTileVectors, u: kTile x kTileVectors, both contiguous.
/// Accuracy  sums over columns in their order, each product added with one rounding where the processor can: the same
///           bits on all that have AVX2, other last bits elsewhere.
void add_tile_product(MatrixView<const double> a, const double* x, double* u, Ahead ahead = {});
void add_tile_product(MatrixView<const float> a, const float* x, float* u, Ahead ahead = {});

/// y += a^T u; y: a.cols() x kTileVectors, contiguous.
void add_transposed_tile_product(MatrixView<const double> a, const double* u, double* y);
void add_transposed_tile_product(MatrixView<const float> a, const float* u, float* y);

}  // namespace loewner::detail
