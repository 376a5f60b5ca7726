// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The feature map phi with  <phi(k), phi(y)> = <k, y>^r  for all k and y in R^d: the distinct
/// entries of the symmetric r-th tensor power, each times the square root of its multiplicity. For
/// r = 1, phi is the identity.
class SymmetricPower {
 public:
  SymmetricPower(Index cols, int degree);

  /// D = C(d + r - 1, r), or none if D exceeds 4096, which bounds the D x D Gram matrix.
  static std::optional<Index> dimension(Index cols, int degree);

  int degree() const { return degree_; }
  Index cols() const { return cols_; }
  Index dimension() const { return static_cast<Index>(coefficients_.size()); }

  /// Writes phi of every row to out (rows.rows() x dimension()).
  void map(MatrixView<const float> rows, MatrixView<double> out) const;

 private:
  Index cols_;
  int degree_;
  std::vector<Index> factors_;  // entry j is the product of the columns factors_[degree j ...], ascending
  std::vector<double> coefficients_;
};

/// r = power / 2 if power is even and the symmetric power of degree r has at most 4096 dimensions,
/// else none. Then |<k, q>|^power = <phi(k), phi(q)>^2.
std::optional<int> symmetric_degree(Index cols, double power);

/// The same; throws InvalidArgument instead of returning none.
int required_symmetric_degree(Index cols, double power, const char* caller);

}  // namespace loewner::detail
