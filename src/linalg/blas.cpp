// SPDX-License-Identifier: Apache-2.0
#include "linalg/blas.hpp"

#include "linalg/blas_symbols.hpp"

namespace loewner::blas {
namespace {

int as_cblas(Op op) {
  return op == Op::none ? kNoTrans : kTrans;
}

template <typename T, typename Gemm>
void gemm_with(Gemm gemm, Op op_a, Op op_b, T alpha, MatrixView<const T> a, MatrixView<const T> b, T beta,
               MatrixView<T> c) {
  const Index inner = op_a == Op::none ? a.cols() : a.rows();
  LOEWNER_ASSERT((op_b == Op::none ? b.rows() : b.cols()) == inner);
  if (c.empty()) return;
  const SerialScope serial;
  gemm(kRowMajor, as_cblas(op_a), as_cblas(op_b), as_int(c.rows()), as_int(c.cols()), as_int(inner), alpha, a.data(),
       leading(a), b.data(), leading(b), beta, c.data(), leading(c));
}

template <typename T, typename Syrk>
void add_gram_upper_with(Syrk syrk, MatrixView<const T> a, MatrixView<T> c) {
  LOEWNER_ASSERT(c.rows() == a.cols() && c.cols() == a.cols());
  if (a.empty()) return;
  const SerialScope serial;
  syrk(kRowMajor, kUpper, kTrans, as_int(a.cols()), as_int(a.rows()), T{1}, a.data(), leading(a), T{1}, c.data(),
       leading(c));
}

template <typename T, typename Trmm>
void multiply_by_upper_with(Trmm trmm, MatrixView<const T> u, MatrixView<T> b) {
  LOEWNER_ASSERT(u.rows() == u.cols() && u.rows() == b.cols());
  if (b.empty()) return;
  const SerialScope serial;
  trmm(kRowMajor, kRight, kUpper, kNoTrans, kNonUnit, as_int(b.rows()), as_int(b.cols()), T{1}, u.data(), leading(u),
       b.data(), leading(b));
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
  add_gram_upper_with(LOEWNER_BLAS(cblas_dsyrk), a, c);
}

void add_gram_upper(MatrixView<const float> a, MatrixView<float> c) {
  add_gram_upper_with(LOEWNER_BLAS(cblas_ssyrk), a, c);
}

void solve_upper_from_right(MatrixView<const double> u, MatrixView<double> b, Op op) {
  LOEWNER_ASSERT(u.rows() == u.cols() && u.rows() == b.cols());
  if (b.empty()) return;
  const SerialScope serial;
  LOEWNER_BLAS(cblas_dtrsm)
  (kRowMajor, kRight, kUpper, as_cblas(op), kNonUnit, as_int(b.rows()), as_int(b.cols()), 1.0, u.data(), leading(u),
   b.data(), leading(b));
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
