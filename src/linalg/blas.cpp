// SPDX-License-Identifier: Apache-2.0
#include "linalg/blas.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "loewner/base/cancellation.hpp"

// The scipy-openblas32 package of the wheel prefixes every symbol, so that it can be loaded beside another BLAS.
#ifdef LOEWNER_BLAS_PREFIX
#define LOEWNER_JOIN_(a, b) a##b
#define LOEWNER_JOIN(a, b) LOEWNER_JOIN_(a, b)
#define LOEWNER_BLAS(name) LOEWNER_JOIN(LOEWNER_BLAS_PREFIX, name)
#else
#define LOEWNER_BLAS(name) name
#endif

extern "C" {
// Declared here because the headers of Debian and SciPy differ in prefix and location. The standards fix the
// interfaces.
void LOEWNER_BLAS(cblas_dgemm)(int, int, int, int, int, int, double, const double*, int, const double*, int, double,
                               double*, int);
void LOEWNER_BLAS(cblas_sgemm)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*,
                               int);
void LOEWNER_BLAS(cblas_dsyrk)(int, int, int, int, int, double, const double*, int, double, double*, int);
void LOEWNER_BLAS(cblas_ssyrk)(int, int, int, int, int, float, const float*, int, float, float*, int);
void LOEWNER_BLAS(cblas_dtrsm)(int, int, int, int, int, int, int, double, const double*, int, double*, int);
void LOEWNER_BLAS(cblas_dtrmm)(int, int, int, int, int, int, int, double, const double*, int, double*, int);
void LOEWNER_BLAS(cblas_strmm)(int, int, int, int, int, int, int, float, const float*, int, float*, int);
void LOEWNER_BLAS(dtrtri_)(const char*, const char*, const int*, double*, const int*, int*);
void LOEWNER_BLAS(dpotrf_)(const char*, const int*, double*, const int*, int*);
void LOEWNER_BLAS(dpstrf_)(const char*, const int*, double*, const int*, int*, int*, const double*, double*, int*);
void LOEWNER_BLAS(dsyevd_)(const char*, const char*, const int*, double*, const int*, double*, double*, const int*,
                           int*, const int*, int*);
void LOEWNER_BLAS(dlatrd_)(const char*, const int*, const int*, double*, const int*, double*, double*, double*,
                           const int*);
void LOEWNER_BLAS(dsyr2k_)(const char*, const char*, const int*, const int*, const double*, const double*, const int*,
                           const double*, const int*, const double*, double*, const int*);
void LOEWNER_BLAS(dsytrd_)(const char*, const int*, double*, const int*, double*, double*, double*, double*, const int*,
                           int*);
void LOEWNER_BLAS(dstedc_)(const char*, const int*, double*, double*, double*, const int*, double*, const int*, int*,
                           const int*, int*);
void LOEWNER_BLAS(dormtr_)(const char*, const char*, const char*, const int*, const int*, const double*, const int*,
                           const double*, double*, const int*, double*, const int*, int*);
void LOEWNER_BLAS(ssytrd_)(const char*, const int*, float*, const int*, float*, float*, float*, float*, const int*,
                           int*);
void LOEWNER_BLAS(dgelqf_)(const int*, const int*, double*, const int*, double*, double*, const int*, int*);
void LOEWNER_BLAS(dgesdd_)(const char*, const int*, const int*, double*, const int*, double*, double*, const int*,
                           double*, const int*, double*, const int*, int*, int*);
int LOEWNER_BLAS(openblas_get_num_threads)();
void LOEWNER_BLAS(openblas_set_num_threads)(int);
char* LOEWNER_BLAS(openblas_get_config)();
char* LOEWNER_BLAS(openblas_get_corename)();
}

namespace loewner::blas {
namespace {

constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112, kUpper = 121, kNonUnit = 131, kRight = 142;

// While an object lives, OpenBLAS runs on the calling thread. The last one restores the setting of the host program.
class SerialScope {
 public:
  SerialScope() {
    const std::lock_guard lock(mutex());
    if (depth()++ == 0) {
      outer() = LOEWNER_BLAS(openblas_get_num_threads)();
      if (outer() != 1) LOEWNER_BLAS(openblas_set_num_threads)(1);
    }
  }
  ~SerialScope() {
    const std::lock_guard lock(mutex());
    if (--depth() == 0 && outer() != 1) LOEWNER_BLAS(openblas_set_num_threads)(outer());
  }
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex m;
    return m;
  }
  static int& depth() {
    static int d = 0;
    return d;
  }
  static int& outer() {
    static int o = 1;
    return o;
  }
};

int as_int(Index size) {
  require(size <= std::numeric_limits<int>::max(),
          [&] { return "BLAS takes dimensions below 2^31, got " + std::to_string(size); });
  return static_cast<int>(size);
}

// BLAS requires a leading dimension of at least 1 even for an empty matrix.
template <typename T>
int leading(MatrixView<T> a) {
  return std::max(1, as_int(a.stride()));
}

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

std::string configuration() {
  return LOEWNER_BLAS(openblas_get_config)();
}

std::string core_name() {
  return LOEWNER_BLAS(openblas_get_corename)();
}

}  // namespace loewner::blas
