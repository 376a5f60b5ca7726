// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/linear_operator.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "detail/blas.hpp"
#include "detail/lane_matrix_sum.hpp"
#include "detail/row_kernels.hpp"
#include "detail/squared_norm.hpp"
#include "detail/tile_kernels.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

void require_shape(MatrixView<const double> x, Index rows, Index cols, const char* name) {
  require(x.rows() == rows && x.cols() == cols, [&] {
    return std::string("LinearOperator: ") + name + " must be " + std::to_string(rows) + " x " + std::to_string(cols) +
           ", got " + std::to_string(x.rows()) + " x " + std::to_string(x.cols());
  });
}

// ---- several vectors and dense rows: eight by eight ----

using detail::kTile;

// Vectors by eights: panel p holds columns 8 p ... 8 p + 7, row after row, with zeros beyond the last.
Index num_panels(Index vectors) {
  return (vectors + kTile - 1) / kTile;
}

// Columns of a panel that are vectors.
Index width(Index panel, Index vectors) {
  return std::min(kTile, vectors - panel * kTile);
}

Matrix<double> panels_of(MatrixView<const double> x) {
  Matrix<double> panels(num_panels(x.cols()) * x.rows(), kTile);
  for (Index p = 0; p < num_panels(x.cols()); ++p) {
    for (Index j = 0; j < x.rows(); ++j) {
      std::copy_n(x.row(j).begin() + p * kTile, width(p, x.cols()), panels.row(p * x.rows() + j).begin());
    }
  }
  return panels;
}

void copy_from_panels(const Matrix<double>& panels, MatrixView<double> y) {
  for (Index p = 0; p < num_panels(y.cols()); ++p) {
    for (Index j = 0; j < y.rows(); ++j) {
      std::copy_n(panels.row(p * y.rows() + j).begin(), width(p, y.cols()), y.row(j).begin() + p * kTile);
    }
  }
}

// Panel p of vectors of `length` entries, which may be none.
template <typename T>
T* panel(MatrixView<T> panels, Index p, Index length) {
  return panels.data() + p * length * panels.stride();
}

// kTile rows of one panel of u, zeros beyond its rows and columns.
class TileOfVectors {
 public:
  TileOfVectors(MatrixView<double> u, Index first, Index panel)
      : TileOfVectors(MatrixView<const double>(u), first, panel) {}
  TileOfVectors(MatrixView<const double> u, Index first, Index panel)
      : first_(first), rows_(std::min(kTile, u.rows() - first)), panel_(panel) {
    for (Index i = 0; i < rows_; ++i) {
      std::copy_n(u.row(first + i).begin() + panel * kTile, width(panel, u.cols()), values_ + i * kTile);
    }
  }
  double* data() { return values_; }
  void store(MatrixView<double> u) const {
    for (Index i = 0; i < rows_; ++i) {
      std::copy_n(values_ + i * kTile, width(panel_, u.cols()), u.row(first_ + i).begin() + panel_ * kTile);
    }
  }

 private:
  Index first_, rows_, panel_;
  alignas(64) double values_[kTile * kTile] = {};
};

// The rows of the tile after the one that starts with row `first`: contiguous, or nothing new.
template <typename T>
detail::Ahead rows_ahead(MatrixView<const T> a, Index first) {
  const bool is_there = a.stride() == a.cols() && first + 2 * kTile <= a.rows();
  const T* const next = a.data() + (is_there ? first + kTile : first) * a.stride();
  return {reinterpret_cast<const char*>(next), is_there ? kTile * static_cast<Index>(sizeof(T)) : 0};
}

// Calls body(first, tile) for every kTile rows in float64, zeros below the last.
template <typename T, typename Body>
void for_each_tile(MatrixView<const T> a, Body&& body) {
  Matrix<double> tile(kTile, a.cols());
  for (Index first = 0; first < a.rows(); first += kTile) {
    const Index count = std::min(kTile, a.rows() - first);
    for (Index i = 0; i < count; ++i) detail::widen(a.row(first + i), tile.row(i));
    for (Index i = count; i < kTile; ++i) std::ranges::fill(tile.row(i), 0.0);
    body(first, tile);
  }
}

// ---- u += A x and y += A^T u for one block of rows; x and y as laid_out and sums_of make them ----

template <typename T>
void add_product(MatrixView<const T> a, MatrixView<const double> x, MatrixView<double> u) {
  if (u.cols() == 1) {
    const std::span<const double> vector(x.data(), static_cast<std::size_t>(x.rows()));
    for (Index i = 0; i < a.rows(); ++i) u(i, 0) += detail::dot(a.row(i), vector);
    return;
  }
  for_each_tile(a, [&](Index first, const Matrix<double>& tile) {
    for (Index p = 0; p < num_panels(u.cols()); ++p) {
      TileOfVectors part(u, first, p);
      detail::add_tile_product(tile.view(), panel(x, p, a.cols()), part.data(), rows_ahead(a, first));
      part.store(u);
    }
  });
}

template <typename T>
void add_transposed_product(MatrixView<const T> a, MatrixView<const double> u, MatrixView<double> y) {
  if (u.cols() == 1) {
    const std::span<double> sum(y.data(), static_cast<std::size_t>(y.rows()));
    for (Index i = 0; i < a.rows(); ++i) detail::add_scaled(u(i, 0), a.row(i), sum);
    return;
  }
  for_each_tile(a, [&](Index first, const Matrix<double>& tile) {
    for (Index p = 0; p < num_panels(u.cols()); ++p) {
      TileOfVectors part(u, first, p);
      detail::add_transposed_tile_product(tile.view(), part.data(), panel(y, p, a.cols()));
    }
  });
}

// Both, each row read once for the two.
template <typename T>
void add_both_products(MatrixView<const T> a, MatrixView<const double> x, MatrixView<double> u, MatrixView<double> y) {
  if (u.cols() == 1) {
    for (Index i = 0; i < a.rows(); ++i) {
      add_product(a.row_block(i, 1), x, u.row_block(i, 1));
      add_transposed_product(a.row_block(i, 1), u.row_block(i, 1), y);
    }
    return;
  }
  for_each_tile(a, [&](Index first, const Matrix<double>& tile) {
    for (Index p = 0; p < num_panels(u.cols()); ++p) {
      TileOfVectors part(u, first, p);
      detail::add_tile_product(tile.view(), panel(x, p, a.cols()), part.data(), rows_ahead(a, first));
      part.store(u);
      detail::add_transposed_tile_product(tile.view(), part.data(), panel(y, p, a.cols()));
    }
  });
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

void scale_columns(std::span<const double> scales, MatrixView<double> u) {
  for (Index i = 0; i < u.rows(); ++i) {
    for (Index c = 0; c < u.cols(); ++c) u(i, c) *= scales[c];
  }
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

// x as the kernels take it: panels for dense rows, but a single vector without gaps.
MatrixView<const double> laid_out(const RowMatrix& a, MatrixView<const double> x, Matrix<double>& buffer) {
  if (takes_panels(a, x.cols())) {
    buffer = panels_of(x);
  } else if (x.cols() == 1 && x.stride() != 1) {
    buffer = Matrix<double>::uninitialized(x.rows(), 1);
    for (Index i = 0; i < x.rows(); ++i) buffer(i, 0) = x(i, 0);
  } else {
    return x;
  }
  return std::as_const(buffer).view();
}

// y = the sum over the blocks of what add(block, sum) adds to a sum laid out like x.
template <typename Add>
void sum_over_blocks(const RowMatrix& a, Index blocks, MatrixView<double> y, Add&& add) {
  if (takes_panels(a, y.cols())) {
    return copy_from_panels(detail::lane_matrix_sum(blocks, num_panels(y.cols()) * y.rows(), kTile, add), y);
  }
  const Matrix<double> sum = detail::lane_matrix_sum(blocks, y.rows(), y.cols(), add);
  for (Index i = 0; i < y.rows(); ++i) std::ranges::copy(sum.row(i), y.row(i).begin());
}

}  // namespace

void LinearOperator::apply(MatrixView<const double> x, MatrixView<double> y) const {
  require_shape(x, cols(), x.cols(), "x");
  require_shape(y, rows(), x.cols(), "y");
  do_apply(x, y);
}

void LinearOperator::apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  require_shape(x, rows(), x.cols(), "x");
  require_shape(y, cols(), x.cols(), "y");
  do_apply_t(x, y);
}

void LinearOperator::golub_kahan_step(MatrixView<const double> x, std::span<const double> scales, MatrixView<double> u,
                                      MatrixView<double> y) const {
  require_shape(x, cols(), static_cast<Index>(scales.size()), "x");
  require_shape(u, rows(), x.cols(), "u");
  require_shape(y, cols(), x.cols(), "y");
  do_golub_kahan_step(x, scales, u, y);
}

void LinearOperator::do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales,
                                         MatrixView<double> u, MatrixView<double> y) const {
  Matrix<double> product = Matrix<double>::uninitialized(rows(), x.cols());
  do_apply(x, product.view());
  scale_columns(scales, u);
  for (Index i = 0; i < rows(); ++i) detail::add_scaled(1.0, std::span<const double>(product.row(i)), u.row(i));
  do_apply_t(u, y);
}

std::optional<double> MatrixOperator::squared_frobenius_norm() const {
  if (is_sparse(a_)) return std::nullopt;
  const Blocks blocks(a_);
  std::vector<double> parts(blocks.count());
  parallel_for(blocks.count(), [&](Index block) {
    a_.visit_rows(blocks.first(block), blocks.size(block),
                  [&](const auto& rows) { parts[block] = detail::squared_norm(rows); });
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

void MatrixOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  const Blocks blocks(a_);
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

void MatrixOperator::do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales,
                                         MatrixView<double> u, MatrixView<double> y) const {
  const Blocks blocks(a_);
  Matrix<double> buffer;
  const auto vectors = laid_out(a_, x, buffer);
  sum_over_blocks(a_, blocks.count(), y, [&](Index block, MatrixView<double> sum) {
    a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
      const auto part = u.row_block(blocks.first(block), rows.rows());
      scale_columns(scales, part);
      add_both_products(rows, vectors, part, sum);
    });
  });
}

ProductOperator::ProductOperator(const LinearOperator& left, const LinearOperator& right) : left_(left), right_(right) {
  require(left.cols() == right.rows(), [&] {
    return "ProductOperator: left has " + std::to_string(left.cols()) + " columns, right " +
           std::to_string(right.rows()) + " rows";
  });
}

void ProductOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> between = Matrix<double>::uninitialized(right_.rows(), x.cols());
  right_.apply(x, between.view());
  left_.apply(between.view(), y);
}

void ProductOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> between = Matrix<double>::uninitialized(left_.cols(), x.cols());
  left_.apply_t(x, between.view());
  right_.apply_t(between.view(), y);
}

ResidualOperator::ResidualOperator(const LinearOperator& a, MatrixView<const double> u, MatrixView<const double> v)
    : a_(a), u_(u), v_(v) {
  require(u.rows() == a.rows() && v.rows() == a.cols() && u.cols() == v.cols(), [&] {
    return "ResidualOperator: u and v must be " + std::to_string(a.rows()) + " x k and " + std::to_string(a.cols()) +
           " x k, got " + std::to_string(u.rows()) + " x " + std::to_string(u.cols()) + " and " +
           std::to_string(v.rows()) + " x " + std::to_string(v.cols());
  });
}

void ResidualOperator::do_apply(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> coordinates = Matrix<double>::uninitialized(v_.cols(), x.cols());
  a_.apply(x, y);
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, v_, x, 0.0, coordinates.view());
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, u_, coordinates.view(), 1.0, y);
}

void ResidualOperator::do_apply_t(MatrixView<const double> x, MatrixView<double> y) const {
  Matrix<double> coordinates = Matrix<double>::uninitialized(u_.cols(), x.cols());
  a_.apply_t(x, y);
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, u_, x, 0.0, coordinates.view());
  blas::gemm(blas::Op::none, blas::Op::none, -1.0, v_, coordinates.view(), 1.0, y);
}

}  // namespace loewner
