// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "linalg/whitening.hpp"
#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// phi with  <phi(k), phi(y)> = <k, y>^r  for all k and y in R^d: the entries of the symmetric r-th tensor power, each
/// once, times the root of how often it occurs. For r = 1 the vector itself.
class SymmetricPower {
 public:
  SymmetricPower(Index cols, int degree);

  /// C(d + r - 1, r), or nothing when it exceeds 4096: its square is the size of a Gram matrix.
  static std::optional<Index> dimension(Index cols, int degree);

  int degree() const { return degree_; }
  Index cols() const { return cols_; }
  Index dimension() const { return static_cast<Index>(coefficients_.size()); }

  /// out: rows.rows() x dimension().
  void map(MatrixView<const float> rows, MatrixView<double> out) const;

 private:
  Index cols_;
  int degree_;
  std::vector<Index> factors_;  // of entry j: columns factors_[degree j ...], ascending
  std::vector<double> coefficients_;
};

/// sum of phi(k) phi(k)^T over the rows, the upper triangle; the same bits for any number of threads.
Matrix<double> feature_gram(const SymmetricPower& power, MatrixView<const float> keys);

/// Adds it to `sum`; few rows without a matrix of their own.
void add_feature_gram(const SymmetricPower& power, MatrixView<const float> keys, Matrix<double>& sum);

/// T with  G^+ = T T^T, from the upper triangle of a Gram matrix whose columns may differ in scale by any factor.
Whitening whitening_of_features(const Matrix<double>& upper_gram);

/// phi(k)^T G^+ phi(k), in [0, 1] for every row that G counts.
std::vector<double> leverages(const SymmetricPower& power, const Whitening& whitening, MatrixView<const float> keys);

/// phi(q)^T G phi(q) = sum over the keys of <q, k>^(2 r), for every row q.
std::vector<double> power_sums(const SymmetricPower& power, const Matrix<double>& upper_gram,
                               MatrixView<const float> queries);

}  // namespace loewner::detail
