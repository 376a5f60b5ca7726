// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/linear_operator.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "detail/blas.hpp"
#include "detail/lane_matrix_sum.hpp"
#include "detail/row_kernels.hpp"
#include "detail/squared_norm.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

void require_shape(MatrixView<const double> x, Index rows, Index cols, const char* name) {
  require(x.rows() == rows && x.cols() == cols, [&] {
    return std::string("LinearOperator: ") + name + " must be " + std::to_string(rows) + " x " + std::to_string(cols) +
           ", got " + std::to_string(x.rows()) + " x " + std::to_string(x.cols());
  });
}

MatrixView<const double> widened(MatrixView<const double> rows, Matrix<double>&) {
  return rows;
}

MatrixView<const double> widened(MatrixView<const float> rows, Matrix<double>& buffer) {
  buffer = Matrix<double>::uninitialized(rows.rows(), rows.cols());
  for (Index i = 0; i < rows.rows(); ++i) std::ranges::copy(rows.row(i), buffer.row(i).begin());
  return buffer.view();
}

// ---- u += A x for one block of rows ----
template <typename T>
void add_product(MatrixView<const T> a, MatrixView<const double> x, MatrixView<double> u) {
  if (x.cols() != 1) {
    Matrix<double> buffer;
    return blas::gemm(blas::Op::none, blas::Op::none, 1.0, widened(a, buffer), x, 1.0, u);
  }
  const std::span<const double> vector(x.data(), static_cast<std::size_t>(x.rows()));
  for (Index i = 0; i < a.rows(); ++i) u(i, 0) += detail::dot(a.row(i), vector);
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

// ---- y += A^T u for one block of rows ----
template <typename T>
void add_transposed_product(MatrixView<const T> a, MatrixView<const double> u, MatrixView<double> y) {
  if (u.cols() != 1) {
    Matrix<double> buffer;
    return blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, widened(a, buffer), u, 1.0, y);
  }
  const std::span<double> sum(y.data(), static_cast<std::size_t>(y.rows()));
  for (Index i = 0; i < a.rows(); ++i) detail::add_scaled(u(i, 0), a.row(i), sum);
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

template <typename Storage>
bool is_sparse(const Storage&) {
  return requires(const Storage& a) {
    a.nonzeros();
  };
}

// One vector and dense rows: each row is used twice while it is in the nearest cache.
template <typename Rows>
void golub_kahan_rows(const Rows& a, MatrixView<const double> x, MatrixView<double> u, MatrixView<double> y) {
  constexpr bool is_dense = requires {
    a.row(0);
  };
  const Index per_step = is_dense && x.cols() == 1 ? 1 : a.rows();
  for (Index i = 0; i < a.rows(); i += per_step) {
    const auto rows = a.row_block(i, std::min(per_step, a.rows() - i));
    add_product(rows, x, u.row_block(i, rows.rows()));
    add_transposed_product(rows, u.row_block(i, rows.rows()), y);
  }
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

// A contiguous copy where one vector has gaps, which the kernels for one vector do not take.
MatrixView<const double> packed(MatrixView<const double> x, Matrix<double>& buffer) {
  if (x.cols() != 1 || x.stride() == 1) return x;
  buffer = Matrix<double>::uninitialized(x.rows(), 1);
  for (Index i = 0; i < x.rows(); ++i) buffer(i, 0) = x(i, 0);
  return buffer.view();
}

void copy_into(const Matrix<double>& from, MatrixView<double> to) {
  for (Index i = 0; i < to.rows(); ++i) std::ranges::copy(from.row(i), to.row(i).begin());
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
  if (a_.visit([](const auto& a) { return is_sparse(a); })) return std::nullopt;
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
  const auto vectors = packed(x, buffer);
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
  copy_into(detail::lane_matrix_sum(blocks.count(), y.rows(), y.cols(),
                                    [&](Index block, MatrixView<double> sum) {
                                      a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
                                        add_transposed_product(rows, x.row_block(blocks.first(block), rows.rows()),
                                                               sum);
                                      });
                                    }),
            y);
}

void MatrixOperator::do_golub_kahan_step(MatrixView<const double> x, std::span<const double> scales,
                                         MatrixView<double> u, MatrixView<double> y) const {
  const Blocks blocks(a_);
  Matrix<double> buffer;
  const auto vectors = packed(x, buffer);
  const auto add_block = [&](Index block, MatrixView<double> sum) {
    a_.visit_rows(blocks.first(block), blocks.size(block), [&](const auto& rows) {
      const auto part = u.row_block(blocks.first(block), rows.rows());
      scale_columns(scales, part);
      golub_kahan_rows(rows, vectors, part, sum);
    });
  };
  copy_into(detail::lane_matrix_sum(blocks.count(), y.rows(), y.cols(), add_block), y);
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
