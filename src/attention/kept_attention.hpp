// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// |<q_i, k_j>|^p, n_q x n.
Matrix<double> power_weights(MatrixView<const float> queries, MatrixView<const float> keys, double power);

/// weights values, each row divided by its denominator (0 where that is 0): n_q x d_v.
Matrix<float> weighted_values(const Matrix<double>& weights, MatrixView<const float> values,
                              std::span<const double> denominators);

/// The sums of the rows.
std::vector<double> row_sums(const Matrix<double>& weights);

}  // namespace loewner::detail
