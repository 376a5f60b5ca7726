// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "detail/tile_kernels.hpp"
#include "loewner/base/matrix.hpp"

// Products of a block of dense rows with several vectors, computed in float64 or float32 (Real).
namespace loewner::detail {

/// Vectors by the width w of a tile: panel p holds columns w p ... w p + w - 1, row after row, with zeros beyond the
/// last.
template <typename Real>
Index num_panels(Index vectors) {
  return (vectors + kTileVectors<Real> - 1) / kTileVectors<Real>;
}

/// Columns of a panel that are vectors.
template <typename Real>
Index width(Index panel, Index vectors) {
  return std::min(kTileVectors<Real>, vectors - panel * kTileVectors<Real>);
}

template <typename Real>
Matrix<Real> panels_of(MatrixView<const double> x) {
  Matrix<Real> panels(num_panels<Real>(x.cols()) * x.rows(), kTileVectors<Real>);
  for (Index p = 0; p < num_panels<Real>(x.cols()); ++p) {
    for (Index j = 0; j < x.rows(); ++j) {
      const auto values = x.row(j).subspan(p * kTileVectors<Real>, width<Real>(p, x.cols()));
      std::ranges::transform(values, panels.row(p * x.rows() + j).begin(),
                             [](double value) { return static_cast<Real>(value); });
    }
  }
  return panels;
}

template <typename Real>
void copy_from_panels(MatrixView<const double> panels, MatrixView<double> y) {
  for (Index p = 0; p < num_panels<Real>(y.cols()); ++p) {
    for (Index j = 0; j < y.rows(); ++j) {
      std::copy_n(panels.row(p * y.rows() + j).begin(), width<Real>(p, y.cols()),
                  y.row(j).begin() + p * kTileVectors<Real>);
    }
  }
}

/// Panel p of vectors of `length` entries, which may be none.
template <typename T>
T* panel(MatrixView<T> panels, Index p, Index length) {
  return panels.data() + p * length * panels.stride();
}

/// kTile rows of one panel of u, zeros beyond its rows and columns.
template <typename Real>
class TileOfVectors {
 public:
  TileOfVectors(MatrixView<const double> u, Index first, Index panel)
      : first_(first), rows_(std::min(kTile, u.rows() - first)), panel_(panel) {
    for (Index i = 0; i < rows_; ++i) {
      const auto values = u.row(first + i).subspan(panel * kTileVectors<Real>, width<Real>(panel, u.cols()));
      std::ranges::transform(values, values_ + i * kTileVectors<Real>,
                             [](double value) { return static_cast<Real>(value); });
    }
  }
  Real* data() { return values_; }
  void store(MatrixView<double> u) const {
    for (Index i = 0; i < rows_; ++i) {
      std::copy_n(values_ + i * kTileVectors<Real>, width<Real>(panel_, u.cols()),
                  u.row(first_ + i).begin() + panel_ * kTileVectors<Real>);
    }
  }

 private:
  Index first_, rows_, panel_;
  alignas(64) Real values_[kTile * kTileVectors<Real>] = {};
};

/// The rows of the tile after the one that starts with row `first`: contiguous, or nothing new.
template <typename T>
Ahead rows_ahead(MatrixView<const T> a, Index first) {
  const bool is_there = a.stride() == a.cols() && first + 2 * kTile <= a.rows();
  const T* const next = a.data() + (is_there ? first + kTile : first) * a.stride();
  return {reinterpret_cast<const char*>(next), is_there ? kTile * static_cast<Index>(sizeof(T)) : 0};
}

/// Calls body(first, tile) for every kTile rows, zeros below the last; in place where nothing is to be converted.
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

/// u += A x
///
/// Shapes    a: m x d of T, x: panels_of vectors of length d, u: m x vectors.
template <typename Real, typename T>
void add_product(MatrixView<const T> a, MatrixView<const Real> x, MatrixView<double> u) {
  for_each_tile<Real>(a, [&](Index first, MatrixView<const Real> tile) {
    for (Index p = 0; p < num_panels<Real>(u.cols()); ++p) {
      TileOfVectors<Real> part(u, first, p);
      add_tile_product(tile, panel(x, p, a.cols()), part.data(), rows_ahead(a, first));
      part.store(u);
    }
  });
}

/// y += A^T u; y: panels of vectors of length d.
template <typename Real, typename T>
void add_transposed_product(MatrixView<const T> a, MatrixView<const double> u, MatrixView<Real> y) {
  for_each_tile<Real>(a, [&](Index first, MatrixView<const Real> tile) {
    for (Index p = 0; p < num_panels<Real>(u.cols()); ++p) {
      TileOfVectors<Real> part(u, first, p);
      add_transposed_tile_product(tile, part.data(), panel(y, p, a.cols()));
    }
  });
}

/// u += A x and y += A^T u, each row read once for the two.
template <typename Real, typename T>
void add_both_products(MatrixView<const T> a, MatrixView<const Real> x, MatrixView<double> u, MatrixView<Real> y) {
  for_each_tile<Real>(a, [&](Index first, MatrixView<const Real> tile) {
    for (Index p = 0; p < num_panels<Real>(u.cols()); ++p) {
      TileOfVectors<Real> part(u, first, p);
      add_tile_product(tile, panel(x, p, a.cols()), part.data(), rows_ahead(a, first));
      part.store(u);
      add_transposed_tile_product(tile, part.data(), panel(y, p, a.cols()));
    }
  });
}

}  // namespace loewner::detail
