// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sparse_embedding.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>

#include "linalg/vector_pieces.hpp"
#include "loewner/base/parallel.hpp"
#include "sketch/accumulate_rows.hpp"
#include "sketch/scatter.hpp"
#include "sketch/sign_table.hpp"

namespace loewner {
namespace {

constexpr Index kPackedRows = 16;       // rows of A that apply_right transposes at once
constexpr Index kOperatorColumns = 64;  // columns of S^T per product with a LinearOperator

template <typename T>
bool all_finite(const Matrix<T>& a) {
  std::atomic<bool> found = false;
  detail::for_each_piece(a.rows() * a.cols(), [&](Index first, Index count) {
    int bad = 0;  // no early exit, so that the loop vectorizes
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

// A NaN or an infinity of the input always reaches the result, so the input is searched only then.
template <typename T>
Matrix<T> checked(Matrix<T> result, const RowMatrix& a) {
  if (all_finite(result)) return result;
  require_finite(a, "SparseSignEmbedding: the matrix");
  throw InvalidArgument("SparseSignEmbedding: the entries are so large that their sums overflow");
}

// Rows of A S^T for dense rows of A: packs of rows are transposed, so that their columns become rows to add.
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

// Writes the columns first ... first + out.cols() - 1 of S^T, dense.
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

// Calls product(columns of S^T, index of the first) for all of S^T in blocks.
template <typename Product>
void for_each_transposed_block(const SparseSignEmbedding& s, Product&& product) {
  const detail::SignTable table = detail::whole_table(s);
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
  return std::min<Index>(rows, rows / 4 >= dimension ? 4 : 8);
}

EmbeddingShape embedding_for_distortion(Index dimension, double distortion, double slack) {
  require(dimension >= 1 && distortion > 0 && distortion < 1 && slack > 0, [&] {
    return "embedding_for_distortion: dimension must be >= 1, distortion in (0, 1) and slack > 0, got " +
           std::to_string(dimension) + ", " + std::to_string(distortion) + " and " + std::to_string(slack);
  });
  const double rows = std::ceil((1 + slack) * static_cast<double>(dimension) / (distortion * distortion));
  require(rows < static_cast<double>(std::numeric_limits<std::int32_t>::max()), [&] {
    return "embedding_for_distortion: the number of rows must be below 2^31, got " + std::to_string(rows);
  });
  const auto nonzeros = static_cast<Index>(std::ceil(std::max(8.0, 4 / distortion)));
  return {.rows = static_cast<Index>(rows), .nonzeros = std::min(nonzeros, static_cast<Index>(rows))};
}

SparseSignEmbedding::SparseSignEmbedding(Index rows, Index cols, Index nonzeros, std::uint64_t seed)
    : rows_(rows), cols_(cols), nonzeros_(nonzeros), seed_(seed) {
  require(1 <= nonzeros && nonzeros <= rows && rows <= std::numeric_limits<std::int32_t>::max() && cols >= 0, [&] {
    return "SparseSignEmbedding: 1 <= nonzeros <= rows < 2^31 and cols >= 0 must hold, got " +
           std::to_string(nonzeros) + " nonzeros in " + std::to_string(rows) + " x " + std::to_string(cols);
  });
}

double SparseSignEmbedding::scale() const {
  return 1 / std::sqrt(static_cast<double>(nonzeros_));
}

void SparseSignEmbedding::accumulate(Index first, const RowMatrix& a, MatrixView<double> sums) const {
  detail::accumulate_rows(*this, first, a, sums);
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
  detail::accumulate_rows_single(*this, a, result.view());
  multiply(result, static_cast<float>(scale()));
  return checked(std::move(result), RowMatrix(a));
}

Matrix<double> SparseSignEmbedding::apply_right(const RowMatrix& a) const {
  require_size(a.cols(), cols_, "columns");
  const detail::SignTable table = detail::whole_table(*this);
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
    return "SparseSignEmbedding: the column must be in [0, " + std::to_string(cols_) + ") and out must have " +
           std::to_string(rows_) + " values, got column " + std::to_string(j) + " and " + std::to_string(out.size()) +
           " values";
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
    return "SparseSignEmbedding: the column must be in [0, " + std::to_string(cols_) +
           ") and rows and values must have " + std::to_string(nonzeros_) + " entries, got column " +
           std::to_string(j) + " and " + std::to_string(s) + " entries";
  });
  std::vector<std::uint32_t> entries(nonzeros_);
  detail::fill_entries(*this, j, entries);
  for (Index k = 0; k < nonzeros_; ++k) {
    rows[k] = static_cast<std::int32_t>(entries[k] >> 1);
    values[k] = (entries[k] & 1) ? -scale() : scale();
  }
}

CscMatrix SparseSignEmbedding::to_csc() const {
  const detail::SignTable table = detail::whole_table(*this);
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
