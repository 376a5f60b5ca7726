// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "linalg/tile_kernels.hpp"
#include "loewner/base/matrix.hpp"

// Products of a block of dense rows with several vectors, computed in float64 or float32 (Real).
namespace loewner::detail {

/// The number of panels for some vectors. With w = kTileVectors, panel p holds the columns w p ... w p + w - 1, row
/// after row, with zeros beyond the last.
template <typename Real>
Index num_panels(Index vectors) {
  return (vectors + kTileVectors<Real> - 1) / kTileVectors<Real>;
}

/// The number of vectors in a panel.
template <typename Real>
Index width(Index panel, Index vectors) {
  return std::min(kTileVectors<Real>, vectors - panel * kTileVectors<Real>);
}

/// Copies vectors (length x vectors) into panels, which may have more rows each.
template <typename Real>
void copy_to_panels(MatrixView<const double> x, MatrixView<Real> panels) {
  const Index count = num_panels<Real>(x.cols());
  for (Index p = 0; p < count; ++p) {
    for (Index j = 0; j < x.rows(); ++j) {
      const auto values = x.row(j).subspan(p * kTileVectors<Real>, width<Real>(p, x.cols()));
      std::ranges::transform(values, panels.row(p * (panels.rows() / count) + j).begin(),
                             [](double value) { return static_cast<Real>(value); });
    }
  }
}

/// Copies panels back to vectors. Real determines the width of the panels.
template <typename Real, typename T>
void copy_from_panels(MatrixView<const T> panels, MatrixView<double> y) {
  const Index count = num_panels<Real>(y.cols());
  for (Index p = 0; p < count; ++p) {
    for (Index j = 0; j < y.rows(); ++j) {
      std::copy_n(panels.row(p * (panels.rows() / count) + j).begin(), width<Real>(p, y.cols()),
                  y.row(j).begin() + p * kTileVectors<Real>);
    }
  }
}

template <typename Real>
Matrix<Real> panels_of(MatrixView<const double> x) {
  Matrix<Real> panels(num_panels<Real>(x.cols()) * x.rows(), kTileVectors<Real>);
  copy_to_panels(x, panels.view());
  return panels;
}

/// The panels without their rows before `first`.
template <typename T>
Panels<T> panels_from(MatrixView<T> panels, Index first, Index vectors) {
  const Index count = num_panels<std::remove_const_t<T>>(vectors);
  return {panels.data() + first * panels.stride(), panels.rows() / count * panels.stride(), count};
}

/// Panels of u (m x vectors) in Real, with zeros beyond its rows up to whole tiles.
template <typename Real>
class VectorsOfBlock {
 public:
  explicit VectorsOfBlock(MatrixView<const double> u)
      : rows_((u.rows() + kTile - 1) / kTile * kTile), panels_(num_panels<Real>(u.cols()) * rows_, kTileVectors<Real>) {
    copy_to_panels(u, panels_.view());
  }
  /// All panels, from row `first` on.
  Panels<Real> tile(Index first) {
    return {panels_.data() + first * kTileVectors<Real>, rows_ * kTileVectors<Real>, panels_.rows() / rows_};
  }
  void store(MatrixView<double> u) const { copy_from_panels<Real>(panels_.view(), u); }

 private:
  Index rows_;
  Matrix<Real> panels_;
};

/// Calls body(first, tile) for every kTile rows, padded with zeros; without a copy if no conversion is needed.
template <typename Real, typename T, typename Body>
void for_each_tile(MatrixView<const T> a, Body&& body) {
  Index first = 0;
  if constexpr (std::is_same_v<T, Real> && std::is_same_v<T, float>) {
    for (; first + kTile <= a.rows(); first += kTile) body(first, a.row_block(first, kTile));
  }
  if (first >= a.rows()) return;
  Matrix<Real> tile(kTile, a.cols());
  for (; first < a.rows(); first += kTile) {
    const Index count = std::min(kTile, a.rows() - first);
    for (Index i = 0; i < count; ++i) {
      if constexpr (std::is_same_v<Real, double>) {
        widen(a.row(first + i), tile.row(i));
      } else {
        std::ranges::copy(a.row(first + i), tile.row(i).begin());
      }
    }
    for (Index i = count; i < kTile; ++i) std::ranges::fill(tile.row(i), Real{0});
    body(first, std::as_const(tile).view());
  }
}

/// Prefetches rows.
template <typename T>
void fetch(MatrixView<const T> rows) {
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index j = 0; j < rows.cols(); j += 64 / static_cast<Index>(sizeof(T))) {
      __builtin_prefetch(rows.row(i).data() + j, 0, 2);
    }
  }
}

/// Calls body(first column, first row, tile) for all tiles of a strip of columns, then of the next strip. Strips are
/// so narrow that the vectors stay in a first-level cache from tile to tile. Hardware prefetching fails for such
/// short pieces of rows, so they are prefetched here.
template <typename Real, typename T, typename Body>
void for_each_tile_of_strips(MatrixView<const T> a, Index vectors, Body&& body) {
  constexpr Index kStripBytes = 24 << 10, kNarrowest = 64;
  if (vectors == 0) return;
  const Index fitting = kStripBytes / (64 * num_panels<Real>(vectors)) / kTile * kTile;
  const Index width = std::max(kNarrowest, fitting);
  const auto piece = [&](Index first, Index column) {
    return a.row_block(first, std::clamp<Index>(a.rows() - first, 0, kTile))
        .col_block(column, std::min(width, a.cols() - column));
  };
  for (Index column = 0; column < a.cols(); column += width) {
    for_each_tile<Real>(a.col_block(column, std::min(width, a.cols() - column)),
                        [&](Index first, MatrixView<const Real> tile) {
                          if (column == 0 && first + kTile < a.rows()) fetch(piece(first + kTile, 0));
                          if (column + width < a.cols()) fetch(piece(first, column + width));
                          body(column, first, tile);
                        });
  }
}

template <typename Real, typename T>
void add_product_to(MatrixView<const T> a, MatrixView<const Real> x, Index vectors, VectorsOfBlock<Real>& u) {
  for_each_tile_of_strips<Real>(a, vectors, [&](Index column, Index first, MatrixView<const Real> tile) {
    add_tile_product(tile, panels_from(x, column, vectors), u.tile(first));
  });
}

template <typename Real, typename T>
void add_transposed_product_of(MatrixView<const T> a, Index vectors, VectorsOfBlock<Real>& u, MatrixView<Real> y) {
  for_each_tile_of_strips<Real>(a, vectors, [&](Index column, Index first, MatrixView<const Real> tile) {
    add_transposed_tile_product(tile, u.tile(first), panels_from(y, column, vectors));
  });
}

/// u += A x
///
/// Shapes    a: m x d of T, x: panels_of vectors of length d, u: m x vectors.
template <typename Real, typename T>
void add_product(MatrixView<const T> a, MatrixView<const Real> x, MatrixView<double> u) {
  VectorsOfBlock<Real> sums(u);
  add_product_to(a, x, u.cols(), sums);
  sums.store(u);
}

/// y += A^T u; y: panels of vectors of length d.
template <typename Real, typename T>
void add_transposed_product(MatrixView<const T> a, MatrixView<const double> u, MatrixView<Real> y) {
  VectorsOfBlock<Real> vectors(u);
  add_transposed_product_of(a, u.cols(), vectors, y);
}

/// u += A x, then y += A^T u, with one read of the rows.
template <typename Real, typename T>
void add_both_products(MatrixView<const T> a, MatrixView<const Real> x, MatrixView<double> u, MatrixView<Real> y) {
  VectorsOfBlock<Real> sums(u);
  add_product_to(a, x, u.cols(), sums);
  sums.store(u);
  add_transposed_product_of(a, u.cols(), sums, y);
}

}  // namespace loewner::detail
