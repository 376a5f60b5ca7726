// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// <q_i, k_j> in float64: n_q x n.
Matrix<double> inner_products(MatrixView<const float> queries, MatrixView<const float> keys);

/// |<q_i, k_j>|^power: n_q x n.
Matrix<double> power_weights(MatrixView<const float> queries, MatrixView<const float> keys, double power);

/// The product weights * values (n_q x d_v), each row divided by its denominator; zero rows where
/// that is 0.
Matrix<float> weighted_values(const Matrix<double>& weights, MatrixView<const float> values,
                              std::span<const double> denominators);

/// The sum of every row.
std::vector<double> row_sums(const Matrix<double>& weights);

}  // namespace loewner::detail
