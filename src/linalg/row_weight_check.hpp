// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// Throws InvalidArgument unless `weights` is empty or holds `rows` finite values >= 0.
inline void require_row_weights(std::span<const double> weights, Index rows, const std::string& caller) {
  require(weights.empty() || static_cast<Index>(weights.size()) == rows, [&] {
    return caller + ": expected one weight per row (" + std::to_string(rows) + "), got " +
           std::to_string(weights.size());
  });
  const auto bad = std::ranges::find_if_not(weights, [](double w) { return w >= 0 && std::isfinite(w); });
  require(bad == weights.end(), [&] {
    return caller + ": weights must be finite and >= 0, got " + std::to_string(*bad) + " for row " +
           std::to_string(bad - weights.begin());
  });
}

}  // namespace loewner::detail
