// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <type_traits>

#include "loewner/base/matrix_view.hpp"

// Products of dense rows with a few vectors: BLAS packs a matrix before it multiplies, which costs more than the
// product with few vectors.
namespace loewner::detail {

/// Rows of a tile.
inline constexpr Index kTile = 8;

/// Vectors of a tile: 64 bytes.
template <typename Real>
inline constexpr Index kTileVectors = 64 / static_cast<Index>(sizeof(Real));

/// wide = row
void widen(std::span<const float> row, std::span<double> wide);
void widen(std::span<const double> row, std::span<double> wide);

/// Contiguous panels of kTileVectors vectors each; their starts are `step` values apart.
template <typename T>
struct Panels {
  T* first = nullptr;
  Index step = 0;
  Index count = 1;

  T* panel(Index p) const { return first + p * step; }
  operator Panels<const T>() const requires(!std::is_const_v<T>) { return {first, step, count}; }
};

/// u += a x
///
/// Shapes    a: kTile rows of any stride, panels of x: a.cols() x kTileVectors, as many of u: kTile x kTileVectors.
/// Accuracy  sums in the order of the columns, with fused multiply-adds if the processor has them: the same bits on
///           all processors with AVX2, other last bits elsewhere.
void add_tile_product(MatrixView<const double> a, Panels<const double> x, Panels<double> u);
void add_tile_product(MatrixView<const float> a, Panels<const float> x, Panels<float> u);

/// y += a^T u; panels of y: a.cols() x kTileVectors.
void add_transposed_tile_product(MatrixView<const double> a, Panels<const double> u, Panels<double> y);
void add_transposed_tile_product(MatrixView<const float> a, Panels<const float> u, Panels<float> y);

}  // namespace loewner::detail
