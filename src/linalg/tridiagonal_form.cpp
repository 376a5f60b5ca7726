// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "linalg/blas.hpp"
#include "linalg/blas_symbols.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/lapack_workspace.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner::blas {
namespace {

template <typename Real>
struct Routines;

template <>
struct Routines<double> {
  static constexpr auto reduce_panel = LOEWNER_BLAS(dlatrd_);
  static constexpr auto subtract_products = LOEWNER_BLAS(dsyr2k_);
  static constexpr auto reduce = LOEWNER_BLAS(dsytrd_);
};

template <>
struct Routines<float> {
  static constexpr auto reduce_panel = LOEWNER_BLAS(slatrd_);
  static constexpr auto subtract_products = LOEWNER_BLAS(ssyr2k_);
  static constexpr auto reduce = LOEWNER_BLAS(ssytrd_);
};

// The panels of LAPACK's xSYTRD, with the same bits, so that a caller may cancel between them.
template <typename Real>
void reduce_by_panels(MatrixView<Real> a, std::vector<Real>& diagonal, std::vector<Real>& beside,
                      std::vector<Real>& factors) {
  if (a.empty()) return;
  const SerialScope serial;
  const int n = as_int(a.rows()), lda = leading(a);
  diagonal.resize(n);
  beside.resize(n - 1);
  factors.resize(n - 1);
  constexpr int kPanel = 32;
  constexpr Real kOne = 1, kMinusOne = -1;
  std::vector<Real> update(static_cast<std::size_t>(n) * kPanel);  // n x kPanel, by columns
  int first = 0;
  for (; n - first > kPanel; first += kPanel) {
    throw_if_cancelled();
    const int left = n - first, rest = left - kPanel;
    Real* const corner = a.data() + static_cast<Index>(first) * (lda + 1);
    Routines<Real>::reduce_panel("L", &left, &kPanel, corner, &lda, beside.data() + first, factors.data() + first,
                                 update.data(), &n);
    Routines<Real>::subtract_products("L", "N", &rest, &kPanel, &kMinusOne, corner + kPanel, &lda,
                                      update.data() + kPanel, &n, &kOne,
                                      corner + static_cast<Index>(kPanel) * (lda + 1), &lda);
    for (int j = 0; j < kPanel; ++j) {
      Real* const entry = corner + static_cast<Index>(j) * (lda + 1);
      diagonal[first + j] = *entry;
      entry[1] = beside[first + j];
    }
  }
  const int left = n - first;
  int info = 0;
  call_with_workspace<Real>([&](Real* work, const int* size) {
    Routines<Real>::reduce("L", &left, a.data() + static_cast<Index>(first) * (lda + 1), &lda, diagonal.data() + first,
                           beside.data() + first, factors.data() + first, work, size, &info);
  });
}

}  // namespace

void tridiagonal_form(MatrixView<double> a, std::vector<double>& diagonal, std::vector<double>& beside,
                      std::vector<double>& factors) {
  reduce_by_panels(a, diagonal, beside, factors);
}

void tridiagonal_form(MatrixView<float> a, std::vector<float>& diagonal, std::vector<float>& beside) {
  std::vector<float> factors;
  reduce_by_panels(a, diagonal, beside, factors);
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

bool symmetric_eigenvalues(MatrixView<double> a, std::vector<double>& values) {
  values.clear();
  if (a.empty()) return true;
  const std::optional<int> exponent = detail::divide_by_its_size(a);
  if (!exponent) return false;
  std::vector<double> beside, factors;
  tridiagonal_form(a, values, beside, factors);
  const SerialScope serial;
  const int n = as_int(a.rows());
  int info = 0;
  LOEWNER_BLAS(dsterf_)(&n, values.data(), beside.data(), &info);
  for (double& value : values) value = std::ldexp(value, *exponent);
  return info == 0;
}

}  // namespace loewner::blas
