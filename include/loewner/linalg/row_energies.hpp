// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// w_i ||a_i||^2 of all rows.
///
/// Shapes    row_weights: n values >= 0, or empty for all ones; result: n values.
/// Cost      one pass, 2 n d flops.
/// Errors    InvalidArgument when the weights' number is not n or one is negative or not finite.
std::vector<double> row_energies(const RowSource& a, std::span<const double> row_weights = {});

}  // namespace loewner
