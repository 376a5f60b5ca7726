// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/matrices.hpp"

namespace loewner::test {

/// 32 eps32 sqrt(max(m, n)) ||A||_F, a bound of the error of float32 products in a backward stable computation, in the
/// Frobenius norm. The rounding errors of one entry add up like a random walk (sqrt of the length); the factor 32 is a
/// margin for several operations.
inline double rounding_tolerance(MatrixView<const float> a) {
  const double eps = std::numeric_limits<float>::epsilon();
  return 32 * eps * std::sqrt(static_cast<double>(std::max(a.rows(), a.cols()))) * frobenius_norm(a);
}

/// The same for computations in float64 throughout.
inline double rounding_tolerance64(MatrixView<const float> a) {
  return rounding_tolerance(a) * (std::numeric_limits<double>::epsilon() / std::numeric_limits<float>::epsilon());
}

}  // namespace loewner::test
