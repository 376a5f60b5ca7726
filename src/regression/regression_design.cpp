// SPDX-License-Identifier: Apache-2.0
#include "regression/regression_design.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linalg/blas.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/parallel.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner::detail {
namespace {

using blas::Op;

constexpr Index kRowsPerBlock = 1024;
constexpr Index kSketchNonzeros = 8;
constexpr double kRidge = 1e-14;
constexpr double kOrthogonality = 1e-13;

Index num_blocks(Index rows) {
  return (rows + kRowsPerBlock - 1) / kRowsPerBlock;
}

// body(first row, number of rows) for all blocks, in parallel.
template <typename Body>
void for_each_block(Index rows, Body&& body) {
  parallel_for(num_blocks(rows), [&](Index block) {
    const Index first = block * kRowsPerBlock;
    body(first, std::min(kRowsPerBlock, rows - first));
  });
}

template <typename Add>
Matrix<double> sum_over_blocks(Index rows, Index result_rows, Index result_cols, Add&& add) {
  return parallel_matrix_sum(num_blocks(rows), result_rows, result_cols, [&](Index block, MatrixView<double> sum) {
    const Index first = block * kRowsPerBlock;
    add(first, std::min(kRowsPerBlock, rows - first), sum);
  });
}

Matrix<double> read_scaled(const RowMatrix& a, std::span<const double> scales) {
  Matrix<double> wide = Matrix<double>::uninitialized(a.rows(), a.cols());
  for_each_block(a.rows(), [&](Index first, Index count) {
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
  std::vector<double> scales(a.cols(), 0.0);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) scales[j] = std::max(scales[j], std::abs(a(i, j)));
  }
  for (double& scale : scales) {
    int exponent = 0;
    std::frexp(scale, &exponent);
    scale = scale == 0 ? 1.0 : std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  }
  return scales;
}

}  // namespace

Matrix<double> weighted_gram(MatrixView<const double> u, std::span<const double> weights) {
  return sum_over_blocks(u.rows(), u.cols(), u.cols(), [&](Index first, Index count, MatrixView<double> sum) {
    Matrix<double> scaled = Matrix<double>::uninitialized(count, u.cols());
    for (Index i = 0; i < count; ++i) {
      const double root = std::sqrt(weights[first + i]);
      std::ranges::transform(u.row(first + i), scaled.row(i).begin(), [&](double x) { return root * x; });
    }
    blas::add_gram_upper(scaled.view(), sum);
  });
}

std::vector<double> multiply(MatrixView<const double> u, std::span<const double> y) {
  std::vector<double> out(u.rows());
  for_each_block(u.rows(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) out[i] = dot(u.row(i), y);
  });
  return out;
}

std::vector<double> multiply_transposed(MatrixView<const double> u, std::span<const double> z) {
  const Matrix<double> sums =
      sum_over_blocks(u.rows(), 1, u.cols(), [&](Index first, Index count, MatrixView<double> sum) {
        for (Index i = first; i < first + count; ++i) add_scaled(z[i], u.row(i), sum.row(0));
      });
  return {sums.data(), sums.data() + u.cols()};
}

Matrix<double> ridged_cholesky(const Matrix<double>& gram) {
  double trace = 0;
  for (Index k = 0; k < gram.rows(); ++k) trace += gram(k, k);
  for (double ridge = kRidge * trace + std::numeric_limits<double>::min(); std::isfinite(ridge); ridge *= 10) {
    Matrix<double> factor = gram.clone();
    for (Index k = 0; k < gram.rows(); ++k) factor(k, k) += ridge;
    if (blas::cholesky_upper(factor.view())) return factor;
  }
  Matrix<double> identity(gram.rows(), gram.rows());
  for (Index k = 0; k < gram.rows(); ++k) identity(k, k) = 1;
  return identity;
}

RegressionDesign::RegressionDesign(const RowMatrix& a, std::vector<double> scales, const char* caller)
    : scales_(std::move(scales)) {
  require_finite(a, std::string(caller) + ": the design");
  a_ = read_scaled(a, scales_);
  require_finite(RowMatrix(a_.view()), std::string(caller) + ": the design times its row weights");
  column_scales_ = column_scales_of(a_);
  for_each_block(a_.rows(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      for (Index j = 0; j < a_.cols(); ++j) a_(i, j) *= column_scales_[j];
    }
  });
  const RowMatrix rows(a_.view());
  const Index sketch_rows = std::max<Index>(1, 4 * a_.cols());
  t_ = std::move(sketched_basis(rows, {.rows = sketch_rows, .nonzeros = kSketchNonzeros}, 0, caller).t);
  orthonormalize(rows, t_);
  u_ = Matrix<double>(a_.rows(), t_.cols());
  for_each_block(a_.rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, a_.view().row_block(first, count), t_.view(), 0.0,
               u_.view().row_block(first, count));
  });
  repair_orthogonality();
}

// The rounding of A T is that of T's entries, which are large where A is ill-conditioned.
void RegressionDesign::repair_orthogonality() {
  Matrix<double> gram = weighted_gram(u_.view(), std::vector<double>(rows(), 1.0));
  double largest = 0;
  for (Index k = 0; k < rank(); ++k) {
    for (Index l = k; l < rank(); ++l) largest = std::max(largest, std::abs(gram(k, l) - (k == l ? 1.0 : 0.0)));
  }
  if (largest < kOrthogonality || !blas::cholesky_upper(gram.view())) return;
  blas::solve_upper_from_right(gram.view(), t_.view());
  for_each_block(rows(), [&](Index first, Index count) {
    blas::solve_upper_from_right(gram.view(), u_.view().row_block(first, count));
  });
}

Matrix<double> RegressionDesign::product(const Matrix<double>& y) const {
  Matrix<double> out(rows(), y.cols());
  for_each_block(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, 1.0, u_.view().row_block(first, count), y.view(), 0.0,
               out.view().row_block(first, count));
  });
  return out;
}

void RegressionDesign::subtract_product(const Matrix<double>& y, Matrix<double>& out) const {
  for_each_block(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, -1.0, u_.view().row_block(first, count), y.view(), 1.0,
               out.view().row_block(first, count));
  });
}

Matrix<double> RegressionDesign::transposed_product(const Matrix<double>& z) const {
  return sum_over_blocks(rows(), rank(), z.cols(), [&](Index first, Index count, MatrixView<double> sum) {
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
  for_each_block(rows(), [&](Index first, Index count) {
    blas::gemm(Op::none, Op::none, -1.0, a_.view().row_block(first, count), scaled.view(), 1.0,
               out.view().row_block(first, count));
  });
  return out;
}

}  // namespace loewner::detail
