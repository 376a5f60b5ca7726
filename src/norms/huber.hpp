// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

namespace loewner::detail {

/// The Huber loss rho with threshold c: rho(r) = r^2 / 2 for |r| <= c and c (|r| - c / 2) beyond.
/// `size` stands for |r|.
inline double huber_value(double size, double c) {
  return size <= c ? size * size / 2 : c * (size - c / 2);
}

/// rho'(r): r, at most c in size.
inline double huber_derivative(double r, double c) {
  return std::abs(r) <= c ? r : std::copysign(c, r);
}

/// rho'(r) / r, the weight of iteratively reweighted least squares.
inline double huber_weight(double size, double c) {
  return size <= c ? 1.0 : c / size;
}

}  // namespace loewner::detail
