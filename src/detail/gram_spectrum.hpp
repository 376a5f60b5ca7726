// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "detail/blas.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// The singular values of A from G = A^T A, descending: roots of its eigenvalues. Those below sqrt(eps) of the
/// largest, eps that of Real, are noise. Only the upper triangle of G is read. The caller is named when LAPACK does not
/// converge.
template <typename Real>
std::vector<double> singular_values_from_gram(Matrix<Real> g, const char* caller) {
  std::vector<double> values;
  require(blas::symmetric_eigenvalues(g.view(), values),
          [&] { return std::string(caller) + ": LAPACK did not converge"; });
  std::ranges::reverse(values);
  for (double& value : values) value = std::sqrt(std::max(0.0, value));
  return values;
}

}  // namespace loewner::detail
