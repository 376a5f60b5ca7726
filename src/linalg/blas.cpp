// SPDX-License-Identifier: Apache-2.0
#include "linalg/blas.hpp"

#include <algorithm>

#include "linalg/blas_symbols.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::blas {
namespace {

int as_cblas(Op op) {
  return op == Op::none ? kNoTrans : kTrans;
}

// Calls body(first, count) for parts of `rows` rows with about a tenth of a second of work, so that a caller may cancel
// between them. Their sizes depend on the matrices only.
template <typename Body>
void for_each_part(Index rows, double flops_per_row, const Body& body) {
  constexpr double kFlopsPerPart = 4e9;
  constexpr Index kGranule = 64;  // of the kernels of BLAS
  const auto most = static_cast<Index>(std::min(kFlopsPerPart / flops_per_row, static_cast<double>(rows)));
  const Index part = std::max(kGranule, most / kGranule * kGranule);
  if (part >= rows) {
    const SerialScope serial;
    return body(0, rows);
  }
  parallel_for((rows + part - 1) / part, [&](Index i) {
    const SerialScope serial;
    body(i * part, std::min(part, rows - i * part));
  });
}

template <typename T>
MatrixView<const T> rows_of(Op op, MatrixView<const T> a, Index first, Index count) {
  return op == Op::none ? a.row_block(first, count) : a.col_block(first, count);
}

template <typename T, typename Gemm>
void gemm_with(Gemm gemm, Op op_a, Op op_b, T alpha, MatrixView<const T> a, MatrixView<const T> b, T beta,
               MatrixView<T> c) {
  const Index inner = op_a == Op::none ? a.cols() : a.rows();
  LOEWNER_ASSERT((op_b == Op::none ? b.rows() : b.cols()) == inner);
  if (c.empty()) return;
  const double flops_per_row = 2.0 * static_cast<double>(c.cols()) * static_cast<double>(std::max<Index>(inner, 1));
  for_each_part(c.rows(), flops_per_row, [&](Index first, Index count) {
    const MatrixView<const T> a_part = rows_of(op_a, a, first, count);
    const MatrixView<T> c_part = c.row_block(first, count);
    gemm(kRowMajor, as_cblas(op_a), as_cblas(op_b), as_int(count), as_int(c.cols()), as_int(inner), alpha,
         a_part.data(), leading(a), b.data(), leading(b), beta, c_part.data(), leading(c));
  });
}

// In parts of columns, each with a square block on the diagonal and the rectangle above it.
template <typename T, typename Gemm, typename Syrk>
void add_gram_upper_with(Gemm gemm, Syrk syrk, MatrixView<const T> a, MatrixView<T> c) {
  LOEWNER_ASSERT(c.rows() == a.cols() && c.cols() == a.cols());
  if (a.empty()) return;
  const double flops_per_column = static_cast<double>(a.rows()) * static_cast<double>(a.cols());
  for_each_part(a.cols(), flops_per_column, [&](Index first, Index count) {
    const MatrixView<const T> part = a.col_block(first, count);
    const MatrixView<T> above = c.row_block(0, first).col_block(first, count);
    if (first > 0) {
      gemm(kRowMajor, kTrans, kNoTrans, as_int(first), as_int(count), as_int(a.rows()), T{1}, a.data(), leading(a),
           part.data(), leading(a), T{1}, above.data(), leading(c));
    }
    syrk(kRowMajor, kUpper, kTrans, as_int(count), as_int(a.rows()), T{1}, part.data(), leading(a), T{1},
         c.row_block(first, count).col_block(first, count).data(), leading(c));
  });
}

// For each row that is multiplied by it or divided by it.
template <typename T>
double flops_of_triangle(MatrixView<const T> u) {
  return static_cast<double>(u.rows()) * static_cast<double>(u.rows());
}

template <typename T, typename Trmm>
void multiply_by_upper_with(Trmm trmm, MatrixView<const T> u, MatrixView<T> b) {
  LOEWNER_ASSERT(u.rows() == u.cols() && u.rows() == b.cols());
  if (b.empty()) return;
  for_each_part(b.rows(), flops_of_triangle(u), [&](Index first, Index count) {
    trmm(kRowMajor, kRight, kUpper, kNoTrans, kNonUnit, as_int(count), as_int(b.cols()), T{1}, u.data(), leading(u),
         b.row_block(first, count).data(), leading(b));
  });
}

}  // namespace

void gemm(Op op_a, Op op_b, double alpha, MatrixView<const double> a, MatrixView<const double> b, double beta,
          MatrixView<double> c) {
  gemm_with(LOEWNER_BLAS(cblas_dgemm), op_a, op_b, alpha, a, b, beta, c);
}

void gemm(Op op_a, Op op_b, float alpha, MatrixView<const float> a, MatrixView<const float> b, float beta,
          MatrixView<float> c) {
  gemm_with(LOEWNER_BLAS(cblas_sgemm), op_a, op_b, alpha, a, b, beta, c);
}

void add_gram_upper(MatrixView<const double> a, MatrixView<double> c) {
  add_gram_upper_with(LOEWNER_BLAS(cblas_dgemm), LOEWNER_BLAS(cblas_dsyrk), a, c);
}

void add_gram_upper(MatrixView<const float> a, MatrixView<float> c) {
  add_gram_upper_with(LOEWNER_BLAS(cblas_sgemm), LOEWNER_BLAS(cblas_ssyrk), a, c);
}

void solve_upper_from_right(MatrixView<const double> u, MatrixView<double> b, Op op) {
  LOEWNER_ASSERT(u.rows() == u.cols() && u.rows() == b.cols());
  if (b.empty()) return;
  for_each_part(b.rows(), flops_of_triangle(u), [&](Index first, Index count) {
    LOEWNER_BLAS(cblas_dtrsm)
    (kRowMajor, kRight, kUpper, as_cblas(op), kNonUnit, as_int(count), as_int(b.cols()), 1.0, u.data(), leading(u),
     b.row_block(first, count).data(), leading(b));
  });
}

void multiply_by_upper(MatrixView<const double> u, MatrixView<double> b) {
  multiply_by_upper_with(LOEWNER_BLAS(cblas_dtrmm), u, b);
}

void multiply_by_upper(MatrixView<const float> u, MatrixView<float> b) {
  multiply_by_upper_with(LOEWNER_BLAS(cblas_strmm), u, b);
}

std::string configuration() {
  return LOEWNER_BLAS(openblas_get_config)();
}

std::string core_name() {
  return LOEWNER_BLAS(openblas_get_corename)();
}

}  // namespace loewner::blas
