// SPDX-License-Identifier: Apache-2.0
#include "regression/regression_design.hpp"

#include <algorithm>
#include <cmath>

#include "linalg/blas.hpp"
#include "linalg/row_pieces.hpp"
#include "regression/columns.hpp"
#include "regression/tall_products.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner::detail {
namespace {

using blas::Op;

constexpr Index kSketchNonzeros = 8;
constexpr double kOrthogonality = 1e-13;  // the largest error of U^T U that needs no repair

Matrix<double> read_scaled(const RowMatrix& a, std::span<const double> scales) {
  Matrix<double> wide = Matrix<double>::uninitialized(a.rows(), a.cols());
  for_each_piece(a.rows(), [&](Index first, Index count) {
    read_rows_wide(a, first, wide.view().row_block(first, count));
    if (scales.empty()) return;
    for (Index i = first; i < first + count; ++i) {
      for (double& x : wide.row(i)) x *= scales[i];
    }
  });
  return wide;
}

// Powers of two that bring the largest entry of each column into [1/2, 1); 1 for a column of zeros.
std::vector<double> column_scales_of(const Matrix<double>& a) {
  std::vector<double> scales = column_maxima(a);
  for (double& scale : scales) {
    int exponent = 0;
    std::frexp(scale, &exponent);
    scale = scale == 0 ? 1.0 : std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  }
  return scales;
}

}  // namespace

RegressionDesign::RegressionDesign(const RowMatrix& a, std::vector<double> scales, const ArgumentCheck& check)
    : scales_(std::move(scales)) {
  check.finite(a, "the design");
  a_ = read_scaled(a, scales_);
  check.finite(RowMatrix(a_.view()), "the design times its row weights");
  column_scales_ = column_scales_of(a_);
  for_each_row(a_.rows(), [&](Index i) {
    for (Index j = 0; j < a_.cols(); ++j) a_(i, j) *= column_scales_[j];
  });
  const RowMatrix rows(a_.view());
  const Index sketch_rows = std::max<Index>(1, 4 * a_.cols());
  t_ = std::move(sketched_basis(rows, {.rows = sketch_rows, .nonzeros = kSketchNonzeros}, 0, check.function()).t);
  orthonormalize(rows, t_);
  u_ = Matrix<double>(a_.rows(), t_.cols());
  for_each_piece(a_.rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, a_.view().row_block(first, count), t_.view(), 0.0,
               u_.view().row_block(first, count));
  });
  repair_orthogonality();
}

// The rounding error of A T grows with the entries of T, which are large for an ill-conditioned A.
void RegressionDesign::repair_orthogonality() {
  Matrix<double> gram = weighted_gram(u_.view(), std::vector<double>(rows(), 1.0));
  double largest = 0;
  for (Index k = 0; k < rank(); ++k) {
    for (Index l = k; l < rank(); ++l) largest = std::max(largest, std::abs(gram(k, l) - (k == l ? 1.0 : 0.0)));
  }
  if (largest < kOrthogonality || !blas::cholesky_upper(gram.view())) return;
  blas::solve_upper_from_right(gram.view(), t_.view());
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::solve_upper_from_right(gram.view(), u_.view().row_block(first, count));
  });
}

Matrix<double> RegressionDesign::product(const Matrix<double>& y) const {
  Matrix<double> out(rows(), y.cols());
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, u_.view().row_block(first, count), y.view(), 0.0,
               out.view().row_block(first, count));
  });
  return out;
}

void RegressionDesign::subtract_product(const Matrix<double>& y, Matrix<double>& out) const {
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, -1.0, u_.view().row_block(first, count), y.view(), 1.0,
               out.view().row_block(first, count));
  });
}

Matrix<double> RegressionDesign::transposed_product(const Matrix<double>& z) const {
  return sum_over_pieces(rows(), rank(), z.cols(), [&](Index first, Index count, MatrixView<double> sum) {
    blas::gemm(Op::transpose, Op::none, 1.0, u_.view().row_block(first, count), z.view().row_block(first, count), 1.0,
               sum);
  });
}

Matrix<double> RegressionDesign::solution(const Matrix<double>& y) const {
  Matrix<double> x(cols(), y.cols());
  blas::gemm(Op::none, Op::none, 1.0, t_.view(), y.view(), 0.0, x.view());
  for (Index j = 0; j < x.rows(); ++j) {
    for (double& value : x.row(j)) value *= column_scales_[j];
  }
  return x;
}

Matrix<double> RegressionDesign::residual(const Matrix<double>& targets, const Matrix<double>& x) const {
  Matrix<double> scaled = x.clone(), out = targets.clone();
  for (Index j = 0; j < scaled.rows(); ++j) {
    for (double& value : scaled.row(j)) value /= column_scales_[j];
  }
  for_each_piece(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, -1.0, a_.view().row_block(first, count), scaled.view(), 1.0,
               out.view().row_block(first, count));
  });
  return out;
}

}  // namespace loewner::detail
