// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/lapack_workspace.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner::blas {
namespace {

constexpr int kReflectors = 32;
constexpr int kLastReflectors = 128;  // LAPACK's own call is faster for the rest
constexpr int kRowsAtOnce = 512;      // of the update after a panel

// LQ factorization of `count` rows of n, column-major.
void factor_rows(int count, int n, double* a, int lda, double* factors) {
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dgelqf_)(&count, &n, a, &lda, factors, work, size, &info);
  });
}

// Multiplies the `count` rows below a factored panel by its reflectors from the right.
void update_rows(int count, int n, double* panel, int lda, const double* factors) {
  double triangle[kReflectors * kReflectors];
  LOEWNER_BLAS(dlarft_)("F", "R", &n, &kReflectors, panel, &lda, factors, triangle, &kReflectors);
  parallel_for((count + kRowsAtOnce - 1) / kRowsAtOnce, [&](Index part) {
    const SerialScope serial;
    const int first = as_int(part) * kRowsAtOnce, rows = std::min(kRowsAtOnce, count - first);
    std::vector<double> work(static_cast<std::size_t>(rows) * kReflectors);
    LOEWNER_BLAS(dlarfb_)
    ("R", "N", "F", "R", &rows, &n, &kReflectors, panel, &lda, triangle, &kReflectors, panel + kReflectors + first,
     &lda, work.data(), &rows);
  });
}

}  // namespace

void qr_upper_in_place(MatrixView<double> a, MatrixView<double> r) {
  LOEWNER_ASSERT(r.rows() == a.cols() && r.cols() == a.cols());
  for (Index i = 0; i < r.rows(); ++i) std::ranges::fill(r.row(i), 0.0);
  if (a.empty()) return;
  const SerialScope serial;
  // Row-major a is column-major a^T; a^T = L Q' gives a = Q'^T L^T, so R = L^T, whose row-major upper triangle is L's
  // column-major lower one: the same memory. The panels are those of LAPACK's dgelqf, so that a caller may cancel
  // between them.
  const int n = as_int(a.cols()), m = as_int(a.rows()), lda = leading(a), rank = std::min(m, n);
  std::vector<double> factors(rank);
  int first = 0;
  for (; rank - first > kLastReflectors; first += kReflectors) {
    double* const panel = a.data() + static_cast<Index>(first) * (lda + 1);
    factor_rows(kReflectors, m - first, panel, lda, &factors[first]);
    update_rows(n - first - kReflectors, m - first, panel, lda, &factors[first]);
  }
  factor_rows(n - first, m - first, a.data() + static_cast<Index>(first) * (lda + 1), lda, &factors[first]);
  for (Index i = 0; i < rank; ++i) {
    for (Index j = i; j < n; ++j) r(i, j) = a(i, j);
  }
}

}  // namespace loewner::blas
