// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// <q_i, k_j> in float64: n_q x n.
Matrix<double> inner_products(MatrixView<const float> queries, MatrixView<const float> keys);

/// The powers |<q_i, k_j> / c_i|^power of inner products, n_q x n, for one divisor c_i per query; no divisors: 1.
Matrix<double> powers_of(Matrix<double> products, double power, std::span<const double> divisors = {});

/// Divisors for which the powers of a row stay in float64: the largest inner product of a query if its power leaves
/// float64, otherwise 1.
std::vector<double> power_divisors(const Matrix<double>& products, double power);

/// Whether powers of the entries of the rows, and sums of squares of such powers, stay far inside float64.
bool has_ordinary_powers(MatrixView<const float> rows, double power);

/// Checks of a Gram matrix of features that is kept, and whose scale is that of its keys: the squared features of the
/// keys are finite, and those of all keys together do not vanish.
///
/// Errors    InvalidArgument "<caller>: ...".
void require_finite_powers(MatrixView<const float> keys, double power, const char* caller);
void require_positive_powers(const Matrix<double>& gram, MatrixView<const float> keys, double power,
                             const char* caller);

/// Each row times the power of two that makes its largest entry about 1: a query's weights do not depend on its length.
Matrix<float> with_scaled_rows(MatrixView<const float> rows);

/// The product weights * values (n_q x d_v), each row divided by its denominator; zero rows where
/// that is 0.
Matrix<float> weighted_values(const Matrix<double>& weights, MatrixView<const float> values,
                              std::span<const double> denominators);

/// The sum of every row.
std::vector<double> row_sums(const Matrix<double>& weights);

}  // namespace loewner::detail
