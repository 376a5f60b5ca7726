// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <vector>

namespace loewner::detail {

/// 1 / probability of each sampled row: sums over the sample with these weights are unbiased.
inline std::vector<double> sampling_weights(std::span<const double> probabilities) {
  std::vector<double> weights(probabilities.size());
  std::ranges::transform(probabilities, weights.begin(), [](double probability) { return 1 / probability; });
  return weights;
}

}  // namespace loewner::detail
