// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

#include "loewner/plan/encode.hpp"

namespace loewner {

/// Number of points of the curves of codes.
inline constexpr int kPointsOfCodesCurve = 192;

/// The smallest encoding whose measured error is within request.max_error. The rates are sorted by
/// bytes, and rates with a clearly larger predicted error are skipped.
///
/// Errors    BudgetError if no rate meets the error.
Encoding first_within_error(const EncodeRequest& request, std::span<const RatePoint> rates,
                            const std::function<Encoding(std::size_t rate)>& encode);

}  // namespace loewner
