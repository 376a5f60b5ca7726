// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// Throws InvalidArgument unless `weights` is empty or holds `rows` finite values >= 0.
inline void require_row_weights(std::span<const double> weights, Index rows, const std::string& caller) {
  require(weights.empty() || static_cast<Index>(weights.size()) == rows, [&] {
    return caller + ": one weight per row is needed, " + std::to_string(rows) + ", got " +
           std::to_string(weights.size());
  });
  const auto bad = std::ranges::find_if_not(weights, [](double w) { return w >= 0 && std::isfinite(w); });
  require(bad == weights.end(), [&] {
    return caller + ": weights must be finite and >= 0, got " + std::to_string(*bad) + " for row " +
           std::to_string(bad - weights.begin());
  });
}

/// Throws InvalidArgument unless p is finite and >= 1.
inline void require_norm_exponent(double p, const std::string& caller) {
  require(p >= 1 && std::isfinite(p),
          [&] { return caller + ": the norm exponent must be finite and >= 1, got " + std::to_string(p); });
}

/// u^(2/p): row i enters the l_p norm as u_i^(1/p) a_i, so sums of squares with this weight; empty stays empty.
inline std::vector<double> squared_scales(std::span<const double> weights, double p) {
  std::vector<double> scales(weights.size());
  std::ranges::transform(weights, scales.begin(), [&](double u) { return std::pow(u, 2 / p); });
  return scales;
}

}  // namespace loewner::detail
