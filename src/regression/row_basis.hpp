// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The basis of a simplex method: m independent rows of dimension m and the inverse of their matrix
/// B. One row can be replaced at a time.
///
/// Method    Gram-Schmidt twice while the basis grows, then Sherman-Morrison updates of the
///           inverse, which is recomputed after 50 of them.
/// Cost      m^2 flops per replacement, m^3 per recomputation.
class RowBasis {
 public:
  explicit RowBasis(Index dimension);

  /// Adds the row to an incomplete basis unless the sine of its angle to the span of the others is
  /// at most least_sine; returns whether it did.
  bool add(std::span<const double> row, double least_sine = 1e-7);
  bool is_complete() const { return size_ == rows_.rows(); }

  /// Recomputes the inverse of a complete basis, which removes the rounding errors of the updates.
  void factorize();

  std::span<const double> row(Index k) const { return rows_.row(k); }
  /// The c with  row = c^T B.
  std::vector<double> coefficients(std::span<const double> row) const;
  /// The x with  B x = values.
  std::vector<double> solve(std::span<const double> values) const;
  /// Column k of B^-1: the direction along which only the product with row k changes.
  std::vector<double> direction(Index k) const;

  /// Replaces row k by `row`, whose coefficients must not be 0 at k.
  void replace(Index k, std::span<const double> row, std::span<const double> coefficients);

 private:
  double orthogonalize(std::span<const double> row);

  Matrix<double> rows_;     // B
  Matrix<double> q_, r_;    // B^T = Q^T R
  Matrix<double> inverse_;  // of B
  Index size_ = 0;
  int replacements_ = 0;
};

}  // namespace loewner::detail
