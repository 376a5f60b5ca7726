// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// (sum_i u_i ||a_i - b_i||_p^p)^(1/p) for weights u, at any scale of the entries and for any finite p: where powers
/// leave float64, entries are divided by the largest one first.
double weighted_lp_error(const RowSource& a, const RowSource& b, std::span<const double> row_weights, double p);

}  // namespace loewner::detail
