// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/matrix_operator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/scale_columns.hpp"
#include "linalg/squared_norm.hpp"
#include "linalg/tiled_products.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

// ---- u += A x and y += A^T u for one block of rows; laid_out and sum_over_blocks prepare x and y ----

template <typename T>
void add_product(MatrixView<const T> a, MatrixView<const double> x, MatrixView<double> u) {
  if (u.cols() != 1) return detail::add_product<double>(a, x, u);
  const std::span<const double> vector(x.data(), static_cast<std::size_t>(x.rows()));
  for (Index i = 0; i < a.rows(); ++i) u(i, 0) += detail::dot(a.row(i), vector);
}

template <typename T>
void add_transposed_product(MatrixView<const T> a, MatrixView<const double> u, MatrixView<double> y) {
  if (u.cols() != 1) return detail::add_transposed_product<double>(a, u, y);
  const std::span<double> sum(y.data(), static_cast<std::size_t>(y.rows()));
  for (Index i = 0; i < a.rows(); ++i) detail::add_scaled(u(i, 0), a.row(i), sum);
}

template <typename T>
void add_both_products(MatrixView<const T> a, MatrixView<const double> x, MatrixView<double> u, MatrixView<double> y) {
  if (u.cols() != 1) return detail::add_both_products<double>(a, x, u, y);
  for (Index i = 0; i < a.rows(); ++i) {
    add_product(a.row_block(i, 1), x, u.row_block(i, 1));
    add_transposed_product(a.row_block(i, 1), u.row_block(i, 1), y);
  }
}

template <typename T>
void add_product(CsrView<T> a, MatrixView<const double> x, MatrixView<double> u) {
  for (Index i = 0; i < a.rows(); ++i) {
    const auto columns = a.columns_of(i);
    const auto values = a.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const double value = static_cast<double>(values[k]);
      for (Index c = 0; c < x.cols(); ++c) u(i, c) += value * x(columns[k], c);
    }
  }
}

template <typename T>
void add_transposed_product(CsrView<T> a, MatrixView<const double> u, MatrixView<double> y) {
  for (Index i = 0; i < a.rows(); ++i) {
    const auto columns = a.columns_of(i);
    const auto values = a.values_of(i);
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const double value = static_cast<double>(values[k]);
      for (Index c = 0; c < u.cols(); ++c) y(columns[k], c) += value * u(i, c);
    }
  }
}

template <typename T>
void add_both_products(CsrView<T> a, MatrixView<const double> x, MatrixView<double> u, MatrixView<double> y) {
  add_product(a, x, u);
  add_transposed_product(a, u, y);
}

// The row blocks of a product: 1 MiB of float32 each.
struct Blocks {
  explicit Blocks(const RowMatrix& a) : rows(a.rows()), per_block(rows_per_block(a.cols())) {}
  Index count() const { return (rows + per_block - 1) / per_block; }
  Index first(Index block) const { return block * per_block; }
  Index size(Index block) const { return std::min(per_block, rows - first(block)); }

  Index rows, per_block;
};

bool is_sparse(const RowMatrix& a) {
  return a.visit([]<typename Storage>(const Storage&) {
    return requires(const Storage& rows) {
      rows.nonzeros();
    };
  });
}

bool takes_panels(const RowMatrix& a, Index vectors) {
  return vectors > 1 && !is_sparse(a);
}

// x in the layout of the kernels: panels for dense rows, a contiguous single vector.
MatrixView<const double> laid_out(const RowMatrix& a, MatrixView<const double> x, Matrix<double>& buffer) {
  if (takes_panels(a, x.cols())) {
    buffer = detail::panels_of<double>(x);
  } else if (x.cols() == 1 && x.stride() != 1) {
    buffer = Matrix<double>::uninitialized(x.rows(), 1);
    for (Index i = 0; i < x.rows(); ++i) buffer(i, 0) = x(i, 0);
  } else {
    return x;
  }
  return std::as_const(buffer).view();
}

// y = sum over the blocks of the terms that add(block, sum) adds; `sum` has the layout of x.
template <typename Add>
void sum_over_blocks(const RowMatrix& a, Index blocks, MatrixView<double> y, Add&& add) {
  if (takes_panels(a, y.cols())) {
    const Index rows = detail::num_panels<double>(y.cols()) * y.rows();
    const Matrix<double> sum = detail::parallel_matrix_sum(blocks, rows, detail::kTileVectors<double>, add);
    return detail::copy_from_panels<double>(sum.view(), y);
  }
  const Matrix<double> sum = detail::parallel_matrix_sum(blocks, y.rows(), y.cols(), add);
  for (Index i = 0; i < y.rows(); ++i) std::ranges::copy(sum.row(i), y.row(i).begin());
}

// ---- in float32 ----

// Each thread keeps its buffer for decoded rows: new memory for every block would cost more than decoding.
Matrix<float>& decoding_buffer() {
  thread_local Matrix<float> buffer;
  return buffer;
}

// ||2^-exponent rows||_F^2. The squares of float32 numbers stay in float64, those of float64 numbers may not.
template <typename T>
double scaled_squared_norm(MatrixView<const T> rows, int exponent) {
  if (exponent == 0 || std::is_same_v<T, float>) return std::ldexp(detail::squared_norm(rows), -2 * exponent);
  double sum = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    for (const T x : rows.row(i)) sum += std::pow(std::ldexp(static_cast<double>(x), -exponent), 2);
  }
  return sum;
}

template <typename T>
double scaled_squared_norm(CsrView<T> rows, int exponent) {
  return std::ldexp(detail::squared_norm(rows), -2 * exponent);
}

void apply_single(const RowSource& a, const Blocks& blocks, MatrixView<const double> x, MatrixView<double> y) {
  const Matrix<float> panels = detail::panels_of<float>(x);
  parallel_for(blocks.count(), [&](Index block) {
    const auto rows = a.read_rows(blocks.first(block), blocks.size(block), decoding_buffer());
    const auto out = y.row_block(blocks.first(block), rows.rows());
    for (Index i = 0; i < out.rows(); ++i) std::ranges::fill(out.row(i), 0.0);
    detail::add_product<float>(rows, panels.view(), out);
  });
}

}  // namespace

std::optional<double> MatrixOperator::squared_frobenius_norm(int exponent) const {
  if (is_sparse(a_)) return std::nullopt;
  if (const double known = squared_norm_; known >= 0) return std::ldexp(known, -2 * exponent);
  const Blocks blocks(a_);
  std::vector<double> parts(blocks.count());
  parallel_for(blocks.count(), [&](Index block) {
    a_.visit_rows(blocks.first(block), blocks.size(block),
                  [&](const auto& rows) { parts[block] = scaled_squared_norm(rows, exponent); });
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

const RowSource* MatrixOperator::float32_rows(const RowMatrix& a) {
  return a.visit([]<typename Storage>(const Storage& rows) -> const RowSource* {
    if constexpr (std::is_base_of_v<RowSource, Storage>) return &rows;
    return nullptr;
  });
}

const RowSource* MatrixOperator::single_rows(Index vectors) const {
  return precision_ == ProductPrecision::float32 && vectors > 1 ? float32_rows(a_) : nullptr;
}

void MatrixOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  const Blocks blocks(a_);
  if (const RowSource* rows = single_rows(x.cols())) return apply_single(*rows, blocks, x, y);
  Matrix<double> buffer;
  const auto vectors = laid_out(a_, x, buffer);
  parallel_for(blocks.count(), [&](Index block) {
    a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
      const auto out = y.row_block(blocks.first(block), rows.rows());
      for (Index i = 0; i < out.rows(); ++i) std::ranges::fill(out.row(i), 0.0);
      add_product(rows, vectors, out);
    });
  });
}

void MatrixOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  const Blocks blocks(a_);
  sum_over_blocks(a_, blocks.count(), y, [&](Index block, MatrixView<double> sum) {
    a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
      add_transposed_product(rows, x.row_block(blocks.first(block), rows.rows()), sum);
    });
  });
}

// Sums within a block are float32, sums over the blocks float64.
void MatrixOperator::golub_kahan_step_single(const RowSource& a, MatrixView<const double> x,
                                             std::span<const double> scales, MatrixView<double> u,
                                             MatrixView<double> y) const {
  const Blocks blocks(a_);
  const Matrix<float> panels = detail::panels_of<float>(x);
  std::vector<double> squares(squared_norm_ < 0 ? blocks.count() : 0);
  const Matrix<double> sum = detail::parallel_matrix_sum(
      blocks.count(), panels.rows(), panels.cols(), [&](Index block, MatrixView<double> total) {
        Matrix<float> of_block(total.rows(), total.cols());
        const auto rows = a.read_rows(blocks.first(block), blocks.size(block), decoding_buffer());
        const auto part = u.row_block(blocks.first(block), rows.rows());
        detail::scale_columns(scales, part);
        detail::add_both_products<float>(rows, std::as_const(panels).view(), part, of_block.view());
        if (!squares.empty()) squares[block] = detail::squared_norm(rows);
        for (Index i = 0; i < total.rows() * total.cols(); ++i) {
          total.data()[i] += static_cast<double>(of_block.data()[i]);
        }
      });
  detail::copy_from_panels<float>(sum.view(), y);
  if (!squares.empty()) squared_norm_ = std::accumulate(squares.begin(), squares.end(), 0.0);
}

void MatrixOperator::do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales,
                                         MatrixView<double> u, MatrixView<double> y) const {
  const Blocks blocks(a_);
  if (const RowSource* rows = single_rows(x.cols())) return golub_kahan_step_single(*rows, x, scales, u, y);
  Matrix<double> buffer;
  const auto vectors = laid_out(a_, x, buffer);
  sum_over_blocks(a_, blocks.count(), y, [&](Index block, MatrixView<double> sum) {
    a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
      const auto part = u.row_block(blocks.first(block), rows.rows());
      detail::scale_columns(scales, part);
      add_both_products(rows, vectors, part, sum);
    });
  });
}

}  // namespace loewner
