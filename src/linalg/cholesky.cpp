// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"

// Our row-major upper triangle is LAPACK's column-major lower one.
namespace loewner::blas {
namespace {

constexpr Index kBlockSize = 512,
                kOneCallSize = 2 * kBlockSize;  // one call of LAPACK takes less than a tenth of a second

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

// Divides the rows beside a factored block by its factor, and subtracts their products from the blocks that are left.
void eliminate(MatrixView<double> a, Index first) {
  const MatrixView<const double> factor = block_of(a, first, first);
  std::vector<Index> starts;
  for (Index start = first + kBlockSize; start < a.cols(); start += kBlockSize) starts.push_back(start);
  parallel_for(static_cast<Index>(starts.size()),
               [&](Index j) { solve_transposed_from_left(factor, block_of(a, first, starts[j])); });
  std::vector<std::pair<Index, Index>> blocks;
  for (const Index row : starts) {
    for (Index col = row; col < a.cols(); col += kBlockSize) blocks.emplace_back(row, col);
  }
  parallel_for(static_cast<Index>(blocks.size()), [&](Index k) {
    const auto [row, col] = blocks[k];
    const MatrixView<const double> left = block_of(a, first, row);
    if (row == col) {
      subtract_gram_upper(left, block_of(a, row, col));
    } else {
      gemm(Op::transpose, Op::none, -1.0, left, block_of(a, first, col), 1.0, block_of(a, row, col));
    }
  });
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

Matrix<double> inverse_of_upper(MatrixView<const double> u) {
  LOEWNER_ASSERT(u.rows() == u.cols());
  Matrix<double> inverse(u.rows(), u.cols());
  for (Index i = 0; i < u.rows(); ++i) std::ranges::copy(u.row(i).subspan(i), inverse.row(i).begin() + i);
  if (!u.empty()) invert_upper(inverse.view());
  return inverse;
}

}  // namespace loewner::blas
