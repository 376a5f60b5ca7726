// SPDX-License-Identifier: Apache-2.0
#pragma once

// The symbols of BLAS and LAPACK, and what each call of them needs.

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/base/matrix_view.hpp"

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
void LOEWNER_BLAS(dsterf_)(const int*, double*, double*, int*);
void LOEWNER_BLAS(dlatrd_)(const char*, const int*, const int*, double*, const int*, double*, double*, double*,
                           const int*);
void LOEWNER_BLAS(slatrd_)(const char*, const int*, const int*, float*, const int*, float*, float*, float*, const int*);
void LOEWNER_BLAS(ssyr2k_)(const char*, const char*, const int*, const int*, const float*, const float*, const int*,
                           const float*, const int*, const float*, float*, const int*);
void LOEWNER_BLAS(dsyr2k_)(const char*, const char*, const int*, const int*, const double*, const double*, const int*,
                           const double*, const int*, const double*, double*, const int*);
void LOEWNER_BLAS(dsytrd_)(const char*, const int*, double*, const int*, double*, double*, double*, double*, const int*,
                           int*);
void LOEWNER_BLAS(dstedc_)(const char*, const int*, double*, double*, double*, const int*, double*, const int*, int*,
                           const int*, int*);
void LOEWNER_BLAS(dlaed2_)(int*, const int*, const int*, double*, double*, const int*, int*, double*, double*, double*,
                           double*, double*, int*, int*, int*, int*, int*);
void LOEWNER_BLAS(dlaed4_)(const int*, const int*, const double*, const double*, double*, const double*, double*, int*);
void LOEWNER_BLAS(dlamrg_)(const int*, const int*, const double*, const int*, const int*, int*);
void LOEWNER_BLAS(dormtr_)(const char*, const char*, const char*, const int*, const int*, const double*, const int*,
                           const double*, double*, const int*, double*, const int*, int*);
void LOEWNER_BLAS(ssytrd_)(const char*, const int*, float*, const int*, float*, float*, float*, float*, const int*,
                           int*);
void LOEWNER_BLAS(dgelqf_)(const int*, const int*, double*, const int*, double*, double*, const int*, int*);
void LOEWNER_BLAS(dlarft_)(const char*, const char*, const int*, const int*, const double*, const int*, const double*,
                           double*, const int*);
void LOEWNER_BLAS(dlarfb_)(const char*, const char*, const char*, const char*, const int*, const int*, const int*,
                           const double*, const int*, const double*, const int*, double*, const int*, double*,
                           const int*);
void LOEWNER_BLAS(dlabrd_)(const int*, const int*, const int*, double*, const int*, double*, double*, double*, double*,
                           double*, const int*, double*, const int*);
void LOEWNER_BLAS(dgebrd_)(const int*, const int*, double*, const int*, double*, double*, double*, double*, double*,
                           const int*, int*);
void LOEWNER_BLAS(dbdsdc_)(const char*, const char*, const int*, double*, double*, double*, const int*, double*,
                           const int*, double*, int*, double*, int*, int*);
void LOEWNER_BLAS(dlasdq_)(const char*, const int*, const int*, const int*, const int*, const int*, double*, double*,
                           double*, const int*, double*, const int*, double*, const int*, double*, int*);
void LOEWNER_BLAS(dlasd2_)(const int*, const int*, const int*, int*, double*, double*, const double*, const double*,
                           double*, const int*, double*, const int*, double*, double*, const int*, double*, const int*,
                           int*, int*, int*, int*, int*, int*);
void LOEWNER_BLAS(dlasd4_)(const int*, const int*, const double*, const double*, double*, const double*, double*,
                           double*, int*);
void LOEWNER_BLAS(dormbr_)(const char*, const char*, const char*, const int*, const int*, const int*, const double*,
                           const int*, const double*, double*, const int*, double*, const int*, int*);
void LOEWNER_BLAS(dgesdd_)(const char*, const int*, const int*, double*, const int*, double*, double*, const int*,
                           double*, const int*, double*, const int*, int*, int*);
int LOEWNER_BLAS(openblas_get_num_threads)();
void LOEWNER_BLAS(openblas_set_num_threads)(int);
char* LOEWNER_BLAS(openblas_get_config)();
char* LOEWNER_BLAS(openblas_get_corename)();
}

namespace loewner::blas {

// The values of CBLAS's enumerations.
inline constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112, kUpper = 121, kNonUnit = 131, kLeft = 141,
                     kRight = 142;

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

inline int as_int(Index size) {
  require(size <= std::numeric_limits<int>::max(),
          [&] { return "BLAS takes dimensions below 2^31, got " + std::to_string(size); });
  return static_cast<int>(size);
}

// BLAS requires a leading dimension of at least 1 even for an empty matrix.
template <typename T>
int leading(MatrixView<T> a) {
  return std::max(1, as_int(a.stride()));
}

}  // namespace loewner::blas
