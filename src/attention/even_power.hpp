// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "attention/key_features.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// r where |x|^p = (x^r)^2 and the r-th symmetric power of R^d is small enough, else nothing.
inline std::optional<int> lifting_degree(Index cols, double power) {
  const double half = power / 2;
  if (!(half >= 1 && half <= 16) || half != std::floor(half)) return std::nullopt;
  const int degree = static_cast<int>(half);
  return SymmetricPower::dimension(cols, degree) ? std::optional(degree) : std::nullopt;
}

inline int required_lifting_degree(Index cols, double power, const char* caller) {
  const auto degree = lifting_degree(cols, power);
  require(degree.has_value(), [&] {
    return std::string(caller) + ": power must be even, with at most 4096 features, got power " +
           std::to_string(power) + " of " + std::to_string(cols) + " columns";
  });
  return *degree;
}

}  // namespace loewner::detail
