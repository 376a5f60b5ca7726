// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sparse_embedding.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "linalg/vector_pieces.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"
#include "sketch/scatter.hpp"

namespace loewner {
namespace {

constexpr Index kBlocksAtOnce = 8;       // row blocks that are held while all tiles of columns pass over them
constexpr Index kTileEntries = 1 << 16;  // of the sums of one tile: 512 KiB, which a second-level cache holds
constexpr Index kRanges = 16;            // of rows of the result, one task each
constexpr Index kRowsAtOnce = 1 << 16;   // rows of a sparse matrix whose places are known at a time
constexpr Index kPackedRows = 16;        // rows of A that apply_right turns into columns at once
constexpr Index kOperatorColumns = 64;   // columns of S^T per product with a LinearOperator

template <typename T>
bool all_finite(const Matrix<T>& a) {
  std::atomic<bool> found = false;
  detail::for_each_piece(a.rows() * a.cols(), [&](Index first, Index count) {
    int bad = 0;  // a search that ends at the first would take one entry at a time
    for (Index i = first; i < first + count; ++i) bad |= !(std::abs(a.data()[i]) <= std::numeric_limits<T>::max());
    if (bad) found = true;
  });
  return !found;
}

template <typename T>
void multiply(Matrix<T>& a, T factor) {
  if (factor == 1) return;
  detail::for_each_piece(a.rows() * a.cols(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) a.data()[i] *= factor;
  });
}

// A NaN or an infinity reaches the result for certain, so the input is searched only when one is there.
template <typename T>
Matrix<T> checked(Matrix<T> result, const RowMatrix& a) {
  if (all_finite(result)) return result;
  require_finite(a, "SparseSignEmbedding: the matrix");
  throw InvalidArgument("SparseSignEmbedding: the entries are so large that their sums overflow");
}

// 31 bits of each word give the place in the block, by multiplication (bias below height / 2^31), and one the sign.
void fill_entries(const SparseSignEmbedding& s, Index column, std::span<std::uint32_t> entries) {
  RandomStream(s.seed(), RandomPurpose::sketch, static_cast<std::uint64_t>(column)).next_words(entries);
  const auto blocks = static_cast<std::uint64_t>(s.nonzeros()), rows = static_cast<std::uint64_t>(s.rows());
  for (std::uint64_t b = 0; b < blocks; ++b) {
    const std::uint64_t start = b * rows / blocks, height = (b + 1) * rows / blocks - start;
    const std::uint64_t place = start + (((entries[b] >> 1) * height) >> 31);
    entries[b] = static_cast<std::uint32_t>(2 * place + (entries[b] & 1));
  }
}

void fill_table(const SparseSignEmbedding& s, Index first_column, Index first, Index count, detail::SignTable& table) {
  for (Index j = 0; j < count; ++j) {
    fill_entries(s, first_column + j,
                 {table.entries.data() + (first + j) * table.targets, static_cast<std::size_t>(table.targets)});
  }
}

detail::SignTable empty_table(const SparseSignEmbedding& s, Index count) {
  return {s.nonzeros(), std::vector<std::uint32_t>(static_cast<std::size_t>(count * s.nonzeros()))};
}

detail::SignTable whole_table(const SparseSignEmbedding& s) {
  detail::SignTable table = empty_table(s, s.cols());
  parallel_for((s.cols() + kRowsAtOnce - 1) / kRowsAtOnce, [&](Index part) {
    const Index first = part * kRowsAtOnce;
    fill_table(s, first, first, std::min(kRowsAtOnce, s.cols() - first), table);
  });
  return table;
}

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

// Calls add(blocks, table) for all rows, kBlocksAtOnce blocks at a time, which are read in parallel.
template <typename T, typename Read, typename Add>
void for_each_chunk(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read, Add&& add) {
  const Index per_block = rows_per_block(d), chunk = kBlocksAtOnce * per_block;
  detail::SignTable table = empty_table(s, std::min(n, chunk));
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

// Each task adds the blocks to its own tile of columns. Tiles are matrices of their own, since rows of the result may
// lie apart by a stride that maps them to few lines of a cache.
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
  for_each_chunk<T>(s, first, n, d, read, [&](std::span<const DenseBlock<T>> blocks, const detail::SignTable& table) {
    parallel_for(static_cast<Index>(tiles.size()), [&](Index tile) {
      for (const auto& block : blocks) {
        detail::scatter_rows(columns_of(tile, block.rows), table, block.first, tiles[tile].view());
      }
    });
  });
  parallel_for(static_cast<Index>(tiles.size()), [&](Index tile) { copy(tiles[tile].view(), columns_of(tile, sums)); });
}

// Each task adds what falls on its own rows of the result: where no cache holds a tile of columns, whole rows are
// fetched faster than strips of them.
template <typename T, typename Read, typename Sum>
void accumulate_whole_rows(const SparseSignEmbedding& s, Index first, Index n, Index d, const Read& read,
                           MatrixView<Sum> sums) {
  for_each_chunk<T>(s, first, n, d, read, [&](std::span<const DenseBlock<T>> blocks, const detail::SignTable& table) {
    parallel_for(kRanges, [&](Index range) {
      const Index begin = range * s.rows() / kRanges, end = (range + 1) * s.rows() / kRanges;
      for (const auto& block : blocks) detail::scatter_rows_between(block.rows, table, block.first, begin, end, sums);
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

void accumulate_rows(const SparseSignEmbedding& s, Index first, const RowSource& a, MatrixView<double> sums) {
  accumulate_dense<float>(s, first, a.rows(), a.cols(), read_from(a), sums);
}

void accumulate_rows(const SparseSignEmbedding& s, Index first, MatrixView<const double> a, MatrixView<double> sums) {
  accumulate_dense<double>(
      s, first, a.rows(), a.cols(), [&](Index start, Index count, Matrix<float>&) { return a.row_block(start, count); },
      sums);
}

// Sparse rows: each task adds to the output rows of its own block of S.
template <typename T>
void accumulate_rows(const SparseSignEmbedding& s, Index first, CsrView<T> a, MatrixView<double> sums) {
  constexpr Index kPart = kRowsAtOnce / 16;
  detail::SignTable table = empty_table(s, std::min(a.rows(), kRowsAtOnce));
  for (Index start = 0; start < a.rows(); start += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, a.rows() - start);
    parallel_for((count + kPart - 1) / kPart, [&](Index part) {
      fill_table(s, first + start + part * kPart, part * kPart, std::min(kPart, count - part * kPart), table);
    });
    parallel_for(s.nonzeros(), [&](Index b) { detail::scatter_target(a.row_block(start, count), table, b, sums); });
  }
}

// Rows of A S^T for dense rows of A: packs of rows are turned so that the places of S^T become places of rows.
template <typename T>
void multiply_right(MatrixView<const T> a, const detail::SignTable& table, double scale, MatrixView<double> out) {
  Matrix<T> turned = Matrix<T>::uninitialized(a.cols(), kPackedRows);
  Matrix<double> sums = Matrix<double>::uninitialized(out.cols(), kPackedRows);
  for (Index first = 0; first < a.rows(); first += kPackedRows) {
    const Index count = std::min(kPackedRows, a.rows() - first);
    for (Index j = 0; j < a.cols(); ++j) {
      for (Index i = 0; i < kPackedRows; ++i) turned(j, i) = i < count ? a(first + i, j) : T{};
    }
    std::fill_n(sums.data(), sums.rows() * sums.cols(), 0.0);
    detail::scatter_rows(MatrixView<const T>(turned.view()), table, 0, sums.view());
    for (Index i = 0; i < count; ++i) {
      for (Index r = 0; r < out.cols(); ++r) out(first + i, r) = scale * sums(r, i);
    }
  }
}

template <typename T>
void multiply_right(CsrView<T> a, const detail::SignTable& table, double scale, MatrixView<double> out) {
  for (Index i = 0; i < a.rows(); ++i) {
    const auto row = out.row(i);
    std::ranges::fill(row, 0.0);
    const auto columns = a.columns_of(i);
    const auto values = a.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const double value = scale * static_cast<double>(values[k]);
      for (Index t = 0; t < table.targets; ++t) {
        const std::uint32_t entry = table.of(columns[k])[t];
        row[entry >> 1] += (entry & 1) ? -value : value;
      }
    }
  }
}

// Columns first ... first + out.cols() - 1 of S^T, dense.
void fill_transposed(const detail::SignTable& table, double scale, Index first, MatrixView<double> out) {
  for (Index j = 0; j < out.rows(); ++j) {
    std::ranges::fill(out.row(j), 0.0);
    for (Index t = 0; t < table.targets; ++t) {
      const std::uint32_t entry = table.of(j)[t];
      const Index place = static_cast<Index>(entry >> 1) - first;
      if (place >= 0 && place < out.cols()) out(j, place) = (entry & 1) ? -scale : scale;
    }
  }
}

// Calls product(columns of S^T, first of them) for all of S^T in blocks.
template <typename Product>
void for_each_transposed_block(const SparseSignEmbedding& s, Product&& product) {
  const detail::SignTable table = whole_table(s);
  Matrix<double> columns = Matrix<double>::uninitialized(s.cols(), std::min(kOperatorColumns, s.rows()));
  for (Index first = 0; first < s.rows(); first += kOperatorColumns) {
    const auto block = columns.view().col_block(0, std::min(kOperatorColumns, s.rows() - first));
    fill_transposed(table, s.scale(), first, block);
    product(block, first);
  }
}

void require_size(Index found, Index wanted, const char* what) {
  require(found == wanted, [&] {
    return std::string("SparseSignEmbedding: the matrix must have ") + std::to_string(wanted) + " " + what + ", got " +
           std::to_string(found);
  });
}

Matrix<double> checked_product(Matrix<double> result) {
  require(all_finite(result),
          [] { return std::string("SparseSignEmbedding: the product with the operator has a non-finite value"); });
  return result;
}

}  // namespace

Index default_nonzeros(Index rows, Index dimension) {
  return std::min<Index>(rows, rows >= 4 * dimension ? 4 : 8);
}

EmbeddingShape embedding_for_distortion(Index dimension, double distortion, double slack) {
  require(dimension >= 1 && distortion > 0 && distortion < 1 && slack > 0, [&] {
    return "embedding_for_distortion: dimension >= 1, 0 < distortion < 1 and slack > 0 are needed, got " +
           std::to_string(dimension) + ", " + std::to_string(distortion) + " and " + std::to_string(slack);
  });
  const double rows = std::ceil((1 + slack) * static_cast<double>(dimension) / (distortion * distortion));
  require(rows < static_cast<double>(std::numeric_limits<std::int32_t>::max()), [&] {
    return "embedding_for_distortion: the embedding would have " + std::to_string(rows) + " rows, 2^31 are too many";
  });
  const auto nonzeros = static_cast<Index>(std::ceil(std::max(8.0, 4 / distortion)));
  return {.rows = static_cast<Index>(rows), .nonzeros = std::min(nonzeros, static_cast<Index>(rows))};
}

SparseSignEmbedding::SparseSignEmbedding(Index rows, Index cols, Index nonzeros, std::uint64_t seed)
    : rows_(rows), cols_(cols), nonzeros_(nonzeros), seed_(seed) {
  require(1 <= nonzeros && nonzeros <= rows && rows <= std::numeric_limits<std::int32_t>::max() && cols >= 0, [&] {
    return "SparseSignEmbedding: 1 <= nonzeros <= rows < 2^31 and cols >= 0 are needed, got " +
           std::to_string(nonzeros) + " non-zeros in " + std::to_string(rows) + " x " + std::to_string(cols);
  });
}

double SparseSignEmbedding::scale() const {
  return 1 / std::sqrt(static_cast<double>(nonzeros_));
}

void SparseSignEmbedding::accumulate(Index first, const RowMatrix& a, MatrixView<double> sums) const {
  a.visit([&](const auto& matrix) { accumulate_rows(*this, first, matrix, sums); });
}

Matrix<double> SparseSignEmbedding::apply(const RowMatrix& a) const {
  require_size(a.rows(), cols_, "rows");
  Matrix<double> result(rows_, a.cols());
  accumulate(0, a, result.view());
  multiply(result, scale());
  return checked(std::move(result), a);
}

Matrix<float> SparseSignEmbedding::apply_single(const RowSource& a) const {
  require_size(a.rows(), cols_, "rows");
  Matrix<float> result(rows_, a.cols());
  accumulate_whole_rows<float>(*this, 0, a.rows(), a.cols(), read_from(a), result.view());
  multiply(result, static_cast<float>(scale()));
  return checked(std::move(result), RowMatrix(a));
}

Matrix<double> SparseSignEmbedding::apply_right(const RowMatrix& a) const {
  require_size(a.cols(), cols_, "columns");
  const detail::SignTable table = whole_table(*this);
  const Index n = a.rows(), per_block = rows_per_block(std::max(cols_, rows_));
  Matrix<double> result = Matrix<double>::uninitialized(n, rows_);
  parallel_for((n + per_block - 1) / per_block, [&](Index block) {
    const Index first = block * per_block, count = std::min(per_block, n - first);
    a.visit_rows(first, count, [&](const auto& rows) {
      multiply_right(rows, table, scale(), result.view().row_block(first, count));
    });
  });
  return checked(std::move(result), a);
}

Matrix<double> SparseSignEmbedding::apply(const LinearOperator& a) const {
  require_size(a.rows(), cols_, "rows");
  Matrix<double> result = Matrix<double>::uninitialized(rows_, a.cols());
  Matrix<double> product = Matrix<double>::uninitialized(a.cols(), std::min(kOperatorColumns, rows_));
  for_each_transposed_block(*this, [&](MatrixView<const double> columns, Index first) {
    const auto out = product.view().col_block(0, columns.cols());
    a.apply_t(columns, out);
    for (Index i = 0; i < out.rows(); ++i) {
      for (Index j = 0; j < out.cols(); ++j) result(first + j, i) = out(i, j);
    }
  });
  return checked_product(std::move(result));
}

Matrix<double> SparseSignEmbedding::apply_right(const LinearOperator& a) const {
  require_size(a.cols(), cols_, "columns");
  Matrix<double> result = Matrix<double>::uninitialized(a.rows(), rows_);
  for_each_transposed_block(*this, [&](MatrixView<const double> columns, Index first) {
    a.apply(columns, result.view().col_block(first, columns.cols()));
  });
  return checked_product(std::move(result));
}

void SparseSignEmbedding::apply_column(Index j, std::span<double> out) const {
  require(j >= 0 && j < cols_ && static_cast<Index>(out.size()) == rows_, [&] {
    return "SparseSignEmbedding: column " + std::to_string(j) + " of " + std::to_string(cols_) + " was asked for in " +
           std::to_string(out.size()) + " values, " + std::to_string(rows_) + " are needed";
  });
  std::vector<std::int32_t> places(nonzeros_);
  std::vector<double> values(nonzeros_);
  column_entries(j, places, values);
  std::ranges::fill(out, 0.0);
  for (Index k = 0; k < nonzeros_; ++k) out[places[k]] = values[k];
}

void SparseSignEmbedding::column_entries(Index j, std::span<std::int32_t> rows, std::span<double> values) const {
  const auto s = static_cast<Index>(rows.size());
  require(j >= 0 && j < cols_ && s == nonzeros_ && values.size() == rows.size(), [&] {
    return "SparseSignEmbedding: the non-zeros of column " + std::to_string(j) + " of " + std::to_string(cols_) +
           " were asked for in " + std::to_string(s) + " places, " + std::to_string(nonzeros_) + " are needed";
  });
  std::vector<std::uint32_t> entries(nonzeros_);
  fill_entries(*this, j, entries);
  for (Index k = 0; k < nonzeros_; ++k) {
    rows[k] = static_cast<std::int32_t>(entries[k] >> 1);
    values[k] = (entries[k] & 1) ? -scale() : scale();
  }
}

CscMatrix SparseSignEmbedding::to_csc() const {
  const detail::SignTable table = whole_table(*this);
  CscMatrix csc;
  csc.rows = rows_;
  for (Index j = 0; j < cols_; ++j) csc.col_offsets.push_back((j + 1) * nonzeros_);
  for (const std::uint32_t entry : table.entries) {
    csc.row_indices.push_back(static_cast<std::int32_t>(entry >> 1));
    csc.values.push_back((entry & 1) ? -scale() : scale());
  }
  return csc;
}

}  // namespace loewner
