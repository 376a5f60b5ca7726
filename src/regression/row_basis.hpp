// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// m independent rows of dimension m with the inverse of their matrix B, one of which can be replaced at a time: what a
/// simplex method stands on.
class RowBasis {
 public:
  explicit RowBasis(Index dimension);

  /// While the basis grows: adds the row unless the sine of its angle to the span of those before is below least_sine.
  bool add(std::span<const double> row, double least_sine = 1e-7);
  bool is_complete() const { return size_ == rows_.rows(); }

  /// Once it is complete: computes the inverse anew, which forgets the rounding of replacements.
  void factorise();

  std::span<const double> row(Index k) const { return rows_.row(k); }
  /// The coefficients c of  row = c^T B,  and x of  B x = values.
  std::vector<double> coefficients(std::span<const double> row) const;
  std::vector<double> solve(std::span<const double> values) const;
  /// Column k of B^-1: the direction in which row k alone changes.
  std::vector<double> direction(Index k) const;

  /// Puts `row` in the place of row k; coefficients: those of the new row, not 0 at k.
  void replace(Index k, std::span<const double> row, std::span<const double> coefficients);

 private:
  double orthogonalise(std::span<const double> row);

  Matrix<double> rows_;     // B
  Matrix<double> q_, r_;    // B^T = Q^T R, row by row
  Matrix<double> inverse_;  // of B
  Index size_ = 0;
  int replacements_ = 0;
};

}  // namespace loewner::detail
