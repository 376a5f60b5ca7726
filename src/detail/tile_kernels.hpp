// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix_view.hpp"

// Products of dense rows with eight vectors: BLAS packs a matrix before it multiplies, which costs more than the
// product with so few vectors.
namespace loewner::detail {

/// Rows and vectors of a tile.
inline constexpr Index kTile = 8;

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
/// Shapes    a: kTile rows of any stride, x: a.cols() x kTile, u: kTile x kTile, both contiguous.
/// Random    none; sums over columns in their order, the same bits on every processor.
void add_tile_product(MatrixView<const double> a, const double* x, double* u, Ahead ahead = {});

/// y += a^T u; y: a.cols() x kTile, contiguous.
void add_transposed_tile_product(MatrixView<const double> a, const double* u, double* y);

}  // namespace loewner::detail
