// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attention/symmetric_power.hpp"
#include "linalg/whitening.hpp"
#include "loewner/base/matrix.hpp"

// The Gram matrix G of the features of keys, and the two quadratic forms that heavy keys need:
// phi(k)^T G^+ phi(k), the leverage score of a key, and phi(q)^T G phi(q), the denominator of a
// query.
namespace loewner::detail {

/// G = sum phi(k) phi(k)^T over the rows, upper triangle; the same bits for any number of threads.
Matrix<double> feature_gram(const SymmetricPower& power, MatrixView<const float> keys);

/// sum += feature_gram(power, keys), without a second matrix if there are few rows.
void add_feature_gram(const SymmetricPower& power, MatrixView<const float> keys, Matrix<double>& sum);

/// T with  G^+ = T T^T, from the upper triangle of a Gram matrix. Columns are scaled to comparable
/// size first.
Whitening whitening_of_features(const Matrix<double>& upper_gram);

/// phi(k)^T G^+ phi(k) for every row k; in [0, 1] for rows that are part of G.
std::vector<double> leverages(const SymmetricPower& power, const Whitening& whitening, MatrixView<const float> keys);

/// phi(q)^T G phi(q) = sum over the keys of <q, k>^(2 r), for every row q.
std::vector<double> power_sums(const SymmetricPower& power, const Matrix<double>& upper_gram,
                               MatrixView<const float> queries);

}  // namespace loewner::detail
