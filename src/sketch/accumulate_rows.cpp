// SPDX-License-Identifier: Apache-2.0
#include "sketch/accumulate_rows.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "loewner/base/parallel.hpp"
#include "sketch/scatter.hpp"
#include "sketch/sign_table.hpp"

namespace loewner::detail {
namespace {

constexpr Index kBlocksAtOnce = 8;       // row blocks in memory while all tiles of columns pass over them
constexpr Index kTileEntries = 1 << 16;  // of the sums of one tile: 512 KiB, which fit a second-level cache
constexpr Index kRanges = 16;            // of rows of the result, one task each

Index tile_width(Index rows) {
  return kTileEntries / rows >= 32 ? 32 : 16;
}

void copy(MatrixView<const double> from, MatrixView<double> to) {
  for (Index i = 0; i < to.rows(); ++i) std::ranges::copy(from.row(i), to.row(i).begin());
}

template <typename T>
struct DenseBlock {
  Index first = 0;
  MatrixView<const T> rows;
  Matrix<float> buffer;
};

// Calls add(blocks, table) for all rows, kBlocksAtOnce blocks at a time; the blocks are read in parallel.
template <typename T, typename Read, typename Add>
void for_each_chunk(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read, Add&& add) {
  const Index per_block = rows_per_block(d), chunk = kBlocksAtOnce * per_block;
  SignTable table = empty_table(s, std::min(n, chunk));
  std::vector<DenseBlock<T>> blocks(kBlocksAtOnce);
  for (Index start = 0; start < n; start += chunk) {
    const Index count = std::min(chunk, n - start), used = (count + per_block - 1) / per_block;
    parallel_for(used, [&](Index b) {
      blocks[b].first = b * per_block;
      const Index rows = std::min(per_block, count - b * per_block);
      blocks[b].rows = read(start + b * per_block, rows, blocks[b].buffer);
      fill_table(s, first + start + b * per_block, b * per_block, rows, table);
    });
    add(std::span<const DenseBlock<T>>(blocks.data(), static_cast<std::size_t>(used)), table);
  }
}

// Each task adds the blocks to its own tile of columns. Tiles are separate matrices, since the stride of the result may
// map its rows to few lines of a cache.
template <typename T, typename Read>
void accumulate_tiles(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read,
                      MatrixView<double> sums) {
  const Index width = tile_width(s.rows());
  const auto columns_of = [&](Index tile, auto matrix) {
    return matrix.col_block(tile * width, std::min(width, d - tile * width));
  };
  std::vector<Matrix<double>> tiles((d + width - 1) / width);
  parallel_for(static_cast<Index>(tiles.size()), [&](Index tile) {
    tiles[tile] = Matrix<double>::uninitialized(s.rows(), std::min(width, d - tile * width));
    copy(columns_of(tile, sums), tiles[tile].view());
  });
  for_each_chunk<T>(s, first, n, d, read, [&](std::span<const DenseBlock<T>> blocks, const SignTable& table) {
    parallel_for(static_cast<Index>(tiles.size()), [&](Index tile) {
      for (const auto& block : blocks) {
        scatter_rows(columns_of(tile, block.rows), table, block.first, tiles[tile].view());
      }
    });
  });
  parallel_for(static_cast<Index>(tiles.size()), [&](Index tile) { copy(tiles[tile].view(), columns_of(tile, sums)); });
}

// Each task adds to its own rows of the result. If no cache holds a tile of columns, whole rows are fetched faster than
// parts of them.
template <typename T, typename Read, typename Sum>
void accumulate_whole_rows(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read,
                           MatrixView<Sum> sums) {
  for_each_chunk<T>(s, first, n, d, read, [&](std::span<const DenseBlock<T>> blocks, const SignTable& table) {
    parallel_for(kRanges, [&](Index range) {
      const Index begin = range * s.rows() / kRanges, end = (range + 1) * s.rows() / kRanges;
      for (const auto& block : blocks) scatter_rows_between(block.rows, table, block.first, begin, end, sums);
    });
  });
}

template <typename T, typename Read>
void accumulate_dense(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read,
                      MatrixView<double> sums) {
  if (n == 0) return;
  if (s.rows() <= kTileEntries / 16) return accumulate_tiles<T>(s, first, n, d, read, sums);
  accumulate_whole_rows<T>(s, first, n, d, read, sums);
}

auto read_from(const RowSource& a) {
  return [&a](Index start, Index count, Matrix<float>& buffer) { return a.read_rows(start, count, buffer); };
}

void accumulate_form(const SparseSignEmbedding& s, Index first, const RowSource& a, MatrixView<double> sums) {
  accumulate_dense<float>(s, first, a.rows(), a.cols(), read_from(a), sums);
}

void accumulate_form(const SparseSignEmbedding& s, Index first, MatrixView<const double> a, MatrixView<double> sums) {
  accumulate_dense<double>(
      s, first, a.rows(), a.cols(), [&](Index start, Index count, Matrix<float>&) { return a.row_block(start, count); },
      sums);
}

// Sparse rows: each task adds to the rows of the result that belong to its own block of S.
template <typename T>
void accumulate_form(const SparseSignEmbedding& s, Index first, CsrView<T> a, MatrixView<double> sums) {
  constexpr Index kPart = kTableRows / 16;
  SignTable table = empty_table(s, std::min(a.rows(), kTableRows));
  for (Index start = 0; start < a.rows(); start += kTableRows) {
    const Index count = std::min(kTableRows, a.rows() - start);
    parallel_for((count + kPart - 1) / kPart, [&](Index part) {
      fill_table(s, first + start + part * kPart, part * kPart, std::min(kPart, count - part * kPart), table);
    });
    parallel_for(s.nonzeros(), [&](Index b) { scatter_target(a.row_block(start, count), table, b, sums); });
  }
}

}  // namespace

void accumulate_rows(const SparseSignEmbedding& s, Index first, const RowMatrix& a, MatrixView<double> sums) {
  a.visit([&](const auto& matrix) { accumulate_form(s, first, matrix, sums); });
}

void accumulate_rows_single(const SparseSignEmbedding& s, const RowSource& a, MatrixView<float> sums) {
  accumulate_whole_rows<float>(s, 0, a.rows(), a.cols(), read_from(a), sums);
}

}  // namespace loewner::detail
