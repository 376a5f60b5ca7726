// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/gram.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "detail/blas.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerBlock = 2048;  // long enough that the product is bound by arithmetic, not by reading G
constexpr Index kRowsPerTask = 256;

struct Tile {
  Index row, col;
};

// Tiles of the upper triangle. Their size depends on d only: what is added to an entry of G, and in which order, must
// not depend on the number of threads.
Index tile_size(Index d) {
  return std::clamp<Index>((d / 4 + 15) / 16 * 16, 32, 256);
}

std::vector<Tile> upper_tiles(Index d, Index size) {
  std::vector<Tile> tiles;
  for (Index row = 0; row < d; row += size) {
    for (Index col = row; col < d; col += size) tiles.push_back({row, col});
  }
  return tiles;
}

void widen_rows(const RowSource& a, std::span<const double> weights, Index first, MatrixView<double> block) {
  const Index tasks = (block.rows() + kRowsPerTask - 1) / kRowsPerTask;
  parallel_for(tasks, [&](Index task) {
    const Index begin = task * kRowsPerTask, count = std::min(kRowsPerTask, block.rows() - begin);
    Matrix<float> buffer;
    const auto rows = a.read_rows(first + begin, count, buffer);
    for (Index i = 0; i < count; ++i) {
      const double scale = weights.empty() ? 1.0 : std::sqrt(weights[first + begin + i]);
      const auto in = rows.row(i);
      const auto out = block.row(begin + i);
      for (std::size_t j = 0; j < in.size(); ++j) out[j] = scale * static_cast<double>(in[j]);
    }
  });
}

void add_tile(MatrixView<const double> block, Tile tile, Index size, MatrixView<double> g) {
  const Index d = g.cols(), height = std::min(size, d - tile.row), width = std::min(size, d - tile.col);
  const auto target = g.row_block(tile.row, height).col_block(tile.col, width);
  if (tile.row == tile.col) {
    blas::add_gram_upper(block.col_block(tile.col, width), target);
  } else {
    blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, block.col_block(tile.row, height),
               block.col_block(tile.col, width), 1.0, target);
  }
}

}  // namespace

Matrix<double> gram(const RowSource& a, std::span<const double> row_weights) {
  require(row_weights.empty() || static_cast<Index>(row_weights.size()) == a.rows(), [&] {
    return "gram: one weight per row is needed, " + std::to_string(a.rows()) + ", got " +
           std::to_string(row_weights.size());
  });
  const auto bad = std::ranges::find_if_not(row_weights, [](double w) { return w >= 0 && std::isfinite(w); });
  require(bad == row_weights.end(), [&] {
    return "gram: weights must be finite and >= 0, got " + std::to_string(*bad) + " for row " +
           std::to_string(bad - row_weights.begin());
  });

  const Index d = a.cols(), size = tile_size(d);
  const auto tiles = upper_tiles(d, size);
  Matrix<double> g(d, d);
  Matrix<double> block = Matrix<double>::uninitialized(std::min(kRowsPerBlock, a.rows()), d);
  for (Index first = 0; first < a.rows(); first += kRowsPerBlock) {
    const auto rows = block.view().row_block(0, std::min(kRowsPerBlock, a.rows() - first));
    widen_rows(a, row_weights, first, rows);
    parallel_for(static_cast<Index>(tiles.size()), [&](Index t) { add_tile(rows, tiles[t], size, g.view()); });
  }
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < i; ++j) g(i, j) = g(j, i);
  }
  return g;
}

}  // namespace loewner
