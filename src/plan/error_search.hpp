// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

#include "loewner/plan/encode.hpp"

namespace loewner {

/// Points of the curves of codes: 32 for each bit.
inline constexpr int kPointsOfCodesCurve = 192;

/// The encoding of the first rate, by rising bytes, whose measured error is within request.max_error. Predictions are
/// within some percent of it, so a rate that misses is followed by the next. BudgetError when none is.
Encoding first_within_error(const EncodeRequest& request, std::span<const RatePoint> rates,
                            const std::function<Encoding(std::size_t rate)>& encode);

}  // namespace loewner
