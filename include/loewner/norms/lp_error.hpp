// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// Sums over the entries of A and of A - B, from which every error of an approximation B follows.
struct ApproximationErrors {
  double norm_exponent = 2;           ///< p
  double squared_norm = 0;            ///< sum_i       ||a_i||_2^2
  double squared_error = 0;           ///< sum_i       ||a_i - b_i||_2^2
  double weighted_squared_norm = 0;   ///< sum_i u_i   ||a_i||_2^2
  double weighted_squared_error = 0;  ///< sum_i u_i   ||a_i - b_i||_2^2
  double weighted_power_norm = 0;     ///< sum_i u_i   ||a_i||_p^p
  double weighted_power_error = 0;    ///< sum_i u_i   ||a_i - b_i||_p^p

  /// ||A - B|| / ||A|| in the Frobenius norm, the weighted Frobenius norm and the weighted entrywise l_p norm; 0 when
  /// both are 0, infinite when only ||A|| is.
  double relative_error() const;
  double weighted_relative_error() const;
  double relative_lp_error() const;
};

/// All errors of B in one pass over both matrices.
///
/// Shapes    a, b: n x d; row_weights: u, n values >= 0, or empty for all ones; norm_exponent: p >= 1.
/// Method    differences in float32, their powers and all sums in float64.
/// Cost      some 10 n d flops for p = 1, 1.5 and 2; one pow per entry of A and of A - B otherwise.
/// Accuracy  each difference to eps32 / 2 of itself, so relative errors to about eps32 of themselves; no float32 data
///           overflow for p = 1 and 2.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument when shapes differ, a weight is negative or not finite, or p < 1 or is not finite.
ApproximationErrors approximation_errors(const RowSource& a, const RowSource& b, std::span<const double> row_weights,
                                         double norm_exponent);

}  // namespace loewner
