// SPDX-License-Identifier: Apache-2.0
#include "regression/ridged_cholesky.hpp"

#include <cmath>
#include <limits>

#include "linalg/blas.hpp"

namespace loewner::detail {
namespace {

constexpr double kFirstRidge = 1e-14;  // relative to the trace

}  // namespace

Matrix<double> ridged_cholesky(const Matrix<double>& gram) {
  double trace = 0;
  for (Index k = 0; k < gram.rows(); ++k) trace += gram(k, k);
  for (double ridge = kFirstRidge * trace + std::numeric_limits<double>::min(); std::isfinite(ridge); ridge *= 10) {
    Matrix<double> factor = gram.clone();
    for (Index k = 0; k < gram.rows(); ++k) factor(k, k) += ridge;
    if (blas::cholesky_upper(factor.view())) return factor;
  }
  Matrix<double> identity(gram.rows(), gram.rows());
  for (Index k = 0; k < gram.rows(); ++k) identity(k, k) = 1;
  return identity;
}

}  // namespace loewner::detail
