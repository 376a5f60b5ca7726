// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// The energies w_i ||a_i||^2 of all rows a_i of A.
///
/// Shapes    a: n x d; row_weights: n values >= 0, or empty for all ones; result: n values.
/// Method    sums in float64, in eight interleaved lanes.
/// Cost      one pass, 2 n d flops.
/// Accuracy  relative error d eps64.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when the number of weights is not n or a weight is negative or not
///           finite.
std::vector<double> row_energies(const RowSource& a, std::span<const double> row_weights = {});

}  // namespace loewner
