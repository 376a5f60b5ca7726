// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/tridiagonal_eigenvalues.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// The square roots of ascending values, descending; negative values count as 0.
inline std::vector<double> roots_descending(std::vector<double> ascending) {
  std::ranges::reverse(ascending);
  for (double& value : ascending) value = std::sqrt(std::max(0.0, value));
  return ascending;
}

/// The singular values of A, descending: square roots of the eigenvalues of G = A^T A. Values below sqrt(eps64) of the
/// largest are noise. Only the upper triangle of G is read.
///
/// Errors    InvalidArgument "<caller>: ..." when LAPACK does not converge.
inline std::vector<double> singular_values_from_gram(Matrix<double> g, const char* caller) {
  std::vector<double> values;
  require(blas::symmetric_eigenvalues(g.view(), values),
          [&] { return std::string(caller) + ": LAPACK did not converge"; });
  return roots_descending(std::move(values));
}

/// The same in float32: values below sqrt(eps32) of the largest are noise.
inline std::vector<double> singular_values_from_gram(Matrix<float> g) {
  std::vector<float> diagonal, beside;
  blas::tridiagonal_form(g.view(), diagonal, beside);
  return roots_descending(tridiagonal_eigenvalues(diagonal, beside));
}

}  // namespace loewner::detail
