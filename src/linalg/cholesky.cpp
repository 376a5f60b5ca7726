// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"

// Our row-major upper triangle is LAPACK's column-major lower one.
namespace loewner::blas {
namespace {

constexpr Index kBlockSize = 512,
                kOneCallSize = 2 * kBlockSize;                // one call of LAPACK takes less than a tenth of a second
constexpr Index kPanelSize = 64, kOneCallPivotedSize = 2048;  // with pivots: less than a fifth

bool cholesky_upper_of_block(MatrixView<double> a) {
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  int info = 0;
  LOEWNER_BLAS(dpotrf_)("L", &n, a.data(), &lda, &info);
  return info == 0;
}

MatrixView<double> block_of(MatrixView<double> a, Index row, Index col) {
  return a.row_block(row, std::min(kBlockSize, a.rows() - row)).col_block(col, std::min(kBlockSize, a.cols() - col));
}

// b = u^-T b, u upper triangular.
void solve_transposed_from_left(MatrixView<const double> u, MatrixView<double> b) {
  const SerialScope serial;
  LOEWNER_BLAS(cblas_dtrsm)
  (kRowMajor, kLeft, kUpper, kTrans, kNonUnit, as_int(b.rows()), as_int(b.cols()), 1.0, u.data(), leading(u), b.data(),
   leading(b));
}

// Upper triangle of c = c - a^T a.
void subtract_gram_upper(MatrixView<const double> a, MatrixView<double> c) {
  const SerialScope serial;
  LOEWNER_BLAS(cblas_dsyrk)
  (kRowMajor, kUpper, kTrans, as_int(a.cols()), as_int(a.rows()), -1.0, a.data(), leading(a), 1.0, c.data(),
   leading(c));
}

// Upper triangle of a[from:, from:] = a[from:, from:] - rows[:, from:]^T rows[:, from:].
void subtract_products(MatrixView<const double> rows, MatrixView<double> a, Index from) {
  std::vector<std::pair<Index, Index>> blocks;
  for (Index row = from; row < a.rows(); row += kBlockSize) {
    for (Index col = row; col < a.cols(); col += kBlockSize) blocks.emplace_back(row, col);
  }
  parallel_for(static_cast<Index>(blocks.size()), [&](Index k) {
    const auto [row, col] = blocks[k];
    const MatrixView<double> target = block_of(a, row, col);
    const MatrixView<const double> left = rows.col_block(row, target.rows());
    if (row == col) {
      subtract_gram_upper(left, target);
    } else {
      gemm(Op::transpose, Op::none, -1.0, left, rows.col_block(col, target.cols()), 1.0, target);
    }
  });
}

// Divides the rows beside a factored block by its factor, and subtracts their products from the blocks that are left.
void eliminate(MatrixView<double> a, Index first) {
  const MatrixView<const double> factor = block_of(a, first, first);
  const Index from = first + factor.rows();
  parallel_for((a.cols() - from + kBlockSize - 1) / kBlockSize,
               [&](Index j) { solve_transposed_from_left(factor, block_of(a, first, from + j * kBlockSize)); });
  subtract_products(a.row_block(first, factor.rows()), a, from);
}

bool pivoted_cholesky_in_one_call(MatrixView<double> a, std::vector<Index>& order) {
  order.clear();
  if (a.empty()) return true;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  std::vector<int> pivots(static_cast<std::size_t>(n));
  std::vector<double> work(2 * static_cast<std::size_t>(n));
  const double tolerance = 0;
  int rank = 0, info = 0;
  LOEWNER_BLAS(dpstrf_)
  ("L", &n, a.data(), &lda, pivots.data(), &rank, &tolerance, work.data(), &info);
  for (const int pivot : pivots) order.push_back(pivot - 1);
  return info == 0;
}

// Exchanges rows and columns i < j of a symmetric matrix whose first i rows are factored.
void exchange(MatrixView<double> a, Index i, Index j) {
  for (Index k = 0; k < i; ++k) std::swap(a(k, i), a(k, j));
  std::swap(a(i, i), a(j, j));
  for (Index k = i + 1; k < j; ++k) std::swap(a(i, k), a(k, j));
  for (Index k = j + 1; k < a.cols(); ++k) std::swap(a(i, k), a(j, k));
}

// Rows first ... first + count of the factor, as LAPACK's dpstrf: products of rows above `first` are subtracted, those
// of the panel only where they choose a pivot or are in its row.
bool factor_panel(MatrixView<double> a, std::vector<Index>& order, Index first, Index count) {
  std::vector<double> left(order.size());  // the diagonal without the products of the panel
  for (Index i = first; i < a.rows(); ++i) left[i] = a(i, i);
  for (Index j = first; j < first + count; ++j) {
    const Index pivot = std::max_element(left.begin() + j, left.end()) - left.begin();
    if (!(left[pivot] > 0)) return false;
    if (pivot != j) {
      exchange(a, j, pivot);
      std::swap(left[j], left[pivot]);
      std::swap(order[j], order[pivot]);
    }
    a(j, j) = std::sqrt(left[j]);
    const MatrixView<double> row = a.row_block(j, 1).col_block(j + 1, a.cols() - j - 1);
    const MatrixView<const double> above = a.row_block(first, j - first);
    if (!row.empty() && j > first) {
      gemm(Op::transpose, Op::none, -1.0, above.col_block(j, 1), above.col_block(j + 1, row.cols()), 1.0, row);
    }
    for (Index i = j + 1; i < a.cols(); ++i) {
      a(j, i) /= a(j, j);
      left[i] -= a(j, i) * a(j, i);
    }
  }
  return true;
}

void invert_upper_block(MatrixView<double> u) {
  const SerialScope serial;
  const int n = as_int(u.rows()), ldu = leading(u);
  int info = 0;
  LOEWNER_BLAS(dtrtri_)("L", "N", &n, u.data(), &ldu, &info);
  LOEWNER_ASSERT(info == 0);
}

// Inverts both halves, and then the block between them: -U_1^-1 U_12 U_2^-1.
void invert_upper(MatrixView<double> u) {
  if (u.rows() <= kOneCallSize) return invert_upper_block(u);
  const Index half = u.rows() / 2, rest = u.rows() - half;
  const MatrixView<double> first = u.row_block(0, half).col_block(0, half),
                           between = u.row_block(0, half).col_block(half, rest),
                           second = u.row_block(half, rest).col_block(half, rest);
  parallel_for(2, [&](Index part) { invert_upper(part == 0 ? first : second); });
  multiply_by_upper(second, between);
  const Matrix<double> product = detail::leading_rows<double>(between, half);
  gemm(Op::none, Op::none, -1.0, first, product.view(), 0.0, between);
}

}  // namespace

bool cholesky_upper(MatrixView<double> a) {
  if (a.empty()) return true;
  if (a.rows() <= kOneCallSize) return cholesky_upper_of_block(a);
  for (Index first = 0; first < a.rows(); first += kBlockSize) {
    if (!cholesky_upper_of_block(block_of(a, first, first))) return false;
    eliminate(a, first);
  }
  return true;
}

bool pivoted_cholesky_upper(MatrixView<double> a, std::vector<Index>& order) {
  if (a.rows() <= kOneCallPivotedSize) return pivoted_cholesky_in_one_call(a, order);
  order.resize(static_cast<std::size_t>(a.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index first = 0; first < a.rows(); first += kPanelSize) {
    const Index count = std::min(kPanelSize, a.rows() - first);
    if (!factor_panel(a, order, first, count)) return false;
    subtract_products(a.row_block(first, count), a, first + count);
  }
  return true;
}

Matrix<double> inverse_of_upper(MatrixView<const double> u) {
  LOEWNER_ASSERT(u.rows() == u.cols());
  Matrix<double> inverse(u.rows(), u.cols());
  for (Index i = 0; i < u.rows(); ++i) std::ranges::copy(u.row(i).subspan(i), inverse.row(i).begin() + i);
  if (!u.empty()) invert_upper(inverse.view());
  return inverse;
}

}  // namespace loewner::blas
