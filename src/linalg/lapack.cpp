// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner::blas {
namespace {

// Calls a LAPACK routine twice: with size -1 it writes the best size of its workspace to work[0], then it computes.
template <typename Real, typename Call>
void call_with_workspace(Call&& call) {
  const int query = -1;
  Real best = 0;
  call(&best, &query);
  const int size = static_cast<int>(best);
  Matrix<Real> work = Matrix<Real>::uninitialized(1, size);
  call(work.data(), &size);
}

// The same for routines that also need a workspace of integers.
template <typename Call>
void call_with_workspaces(Call&& call) {
  const int query = -1;
  double best = 0;
  int best_integers = 0;
  call(&best, &query, &best_integers, &query);
  const int size = static_cast<int>(best), integers_size = best_integers;
  Matrix<double> work = Matrix<double>::uninitialized(1, size);
  std::vector<int> integers(integers_size);
  call(work.data(), &size, integers.data(), &integers_size);
}

}  // namespace

Matrix<double> inverse_of_upper(MatrixView<const double> u) {
  LOEWNER_ASSERT(u.rows() == u.cols());
  Matrix<double> inverse(u.rows(), u.cols());
  if (u.empty()) return inverse;
  for (Index i = 0; i < u.rows(); ++i) std::ranges::copy(u.row(i).subspan(i), inverse.row(i).begin() + i);
  const SerialScope serial;
  const int n = as_int(u.rows());
  int info = 0;
  LOEWNER_BLAS(dtrtri_)("L", "N", &n, inverse.data(), &n, &info);  // see cholesky_upper
  LOEWNER_ASSERT(info == 0);
  return inverse;
}

bool cholesky_upper(MatrixView<double> a) {
  if (a.empty()) return true;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  int info = 0;
  LOEWNER_BLAS(dpotrf_)
  ("L", &n, a.data(), &lda, &info);  // our row-major upper triangle is LAPACK's column-major lower one
  return info == 0;
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
  ("L", &n, a.data(), &lda, pivots.data(), &rank, &tolerance, work.data(), &info);  // see cholesky_upper
  for (const int pivot : pivots) order.push_back(pivot - 1);
  return info == 0;
}

bool symmetric_eigenvalues(MatrixView<double> a, std::vector<double>& values) {
  values.resize(a.rows());
  if (a.empty()) return true;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  int info = 0;
  call_with_workspaces([&](double* work, const int* size, int* integers, const int* integers_size) {
    LOEWNER_BLAS(dsyevd_)("N", "L", &n, a.data(), &lda, values.data(), work, size, integers, integers_size, &info);
  });
  return info == 0;
}

void tridiagonal_form(MatrixView<double> a, std::vector<double>& diagonal, std::vector<double>& beside,
                      std::vector<double>& factors) {
  if (a.empty()) return;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  diagonal.resize(n);
  beside.resize(n - 1);
  factors.resize(n - 1);
  // The panels of LAPACK's dsytrd, with the same bits, so that a caller may cancel between them.
  constexpr int kPanel = 32;
  constexpr double kOne = 1, kMinusOne = -1;
  std::vector<double> update(static_cast<std::size_t>(n) * kPanel);  // n x kPanel, by columns
  int first = 0;
  for (; n - first > kPanel; first += kPanel) {
    throw_if_cancelled();
    const int left = n - first, rest = left - kPanel;
    double* const corner = a.data() + static_cast<Index>(first) * (lda + 1);
    LOEWNER_BLAS(dlatrd_)
    ("L", &left, &kPanel, corner, &lda, beside.data() + first, factors.data() + first, update.data(), &n);
    LOEWNER_BLAS(dsyr2k_)
    ("L", "N", &rest, &kPanel, &kMinusOne, corner + kPanel, &lda, update.data() + kPanel, &n, &kOne,
     corner + static_cast<Index>(kPanel) * (lda + 1), &lda);
    for (int j = 0; j < kPanel; ++j) {
      double* const entry = corner + static_cast<Index>(j) * (lda + 1);
      diagonal[first + j] = *entry;
      entry[1] = beside[first + j];
    }
  }
  const int left = n - first;
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dsytrd_)
    ("L", &left, a.data() + static_cast<Index>(first) * (lda + 1), &lda, diagonal.data() + first, beside.data() + first,
     factors.data() + first, work, size, &info);
  });
}

bool tridiagonal_eigen(std::vector<double>& diagonal, std::vector<double>& beside, MatrixView<double> vectors) {
  if (vectors.empty()) return true;
  const SerialScope serial;
  const int n = as_int(vectors.rows()), ldz = leading(vectors);
  int info = 0;
  call_with_workspaces([&](double* work, const int* size, int* integers, const int* integers_size) {
    LOEWNER_BLAS(dstedc_)
    ("I", &n, diagonal.data(), beside.data(), vectors.data(), &ldz, work, size, integers, integers_size, &info);
  });
  return info == 0;
}

void multiply_by_householder(MatrixView<const double> a, const std::vector<double>& factors,
                             MatrixView<double> vectors) {
  if (vectors.empty()) return;
  const SerialScope serial;
  const int n = as_int(a.rows()), count = as_int(vectors.rows()), lda = leading(a), ldc = leading(vectors);
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dormtr_)
    ("L", "L", "N", &n, &count, a.data(), &lda, factors.data(), vectors.data(), &ldc, work, size, &info);
  });
}

void tridiagonal_form(MatrixView<float> a, std::vector<float>& diagonal, std::vector<float>& beside) {
  if (a.empty()) return;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  diagonal.resize(n);
  beside.resize(n - 1);
  std::vector<float> factors(n);
  int info = 0;
  call_with_workspace<float>([&](float* work, const int* size) {
    LOEWNER_BLAS(ssytrd_)
    ("L", &n, a.data(), &lda, diagonal.data(), beside.data(), factors.data(), work, size, &info);
  });
}

void qr_upper_in_place(MatrixView<double> a, MatrixView<double> r) {
  LOEWNER_ASSERT(r.rows() == a.cols() && r.cols() == a.cols());
  for (Index i = 0; i < r.rows(); ++i) std::ranges::fill(r.row(i), 0.0);
  if (a.empty()) return;
  const SerialScope serial;
  // Row-major a is column-major a^T; a^T = L Q' gives a = Q'^T L^T, so R = L^T, whose row-major upper triangle is L's
  // column-major lower one: the same memory.
  const int n = as_int(a.cols()), m = as_int(a.rows()), lda = leading(a);
  std::vector<double> factors(std::min(m, n));
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dgelqf_)(&n, &m, a.data(), &lda, factors.data(), work, size, &info);
  });
  for (Index i = 0; i < std::min<Index>(m, n); ++i) {
    for (Index j = i; j < n; ++j) r(i, j) = a(i, j);
  }
}

bool thin_svd(MatrixView<double> a, Matrix<double>& u, std::vector<double>& s, Matrix<double>& vt) {
  const Index rank = std::min(a.rows(), a.cols());
  u = Matrix<double>(a.rows(), rank);
  vt = Matrix<double>(rank, a.cols());
  s.assign(rank, 0.0);
  if (rank == 0) return true;
  const SerialScope serial;
  // Column-major LAPACK sees a^T = V S U^T: its "U" is our vt, its "VT" our u.
  const int n = as_int(a.cols()), m = as_int(a.rows()), lda = leading(a), ldvt = leading(vt.view()),
            ldu = leading(u.view());
  std::vector<int> integers(8 * rank);
  int info = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dgesdd_)
    ("S", &n, &m, a.data(), &lda, s.data(), vt.data(), &ldvt, u.data(), &ldu, work, size, integers.data(), &info);
  });
  return info == 0;
}

bool singular_values(MatrixView<double> a, std::vector<double>& s) {
  s.assign(std::min(a.rows(), a.cols()), 0.0);
  if (s.empty()) return true;
  const SerialScope serial;
  const int n = as_int(a.cols()), m = as_int(a.rows()), lda = leading(a), one = 1;
  std::vector<int> integers(8 * s.size());
  int info = 0;
  double none = 0;
  call_with_workspace<double>([&](double* work, const int* size) {
    LOEWNER_BLAS(dgesdd_)
    ("N", &n, &m, a.data(), &lda, s.data(), &none, &one, &none, &one, work, size, integers.data(), &info);
  });
  return info == 0;
}

}  // namespace loewner::blas
