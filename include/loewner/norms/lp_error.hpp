// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/row_source.hpp"

namespace loewner {

/// The sums over the entries of A and of A - B that the errors of an approximation B are computed
/// from.
struct ApproximationErrors {
  double norm_exponent = 2;           ///< p
  double squared_norm = 0;            ///< sum_i       ||a_i||_2^2
  double squared_error = 0;           ///< sum_i       ||a_i - b_i||_2^2
  double weighted_squared_norm = 0;   ///< sum_i u_i   ||a_i||_2^2
  double weighted_squared_error = 0;  ///< sum_i u_i   ||a_i - b_i||_2^2
  double weighted_power_norm = 0;     ///< sum_i u_i   ||a_i||_p^p
  double weighted_power_error = 0;    ///< sum_i u_i   ||a_i - b_i||_p^p

  /// ||A - B|| / ||A|| in the Frobenius norm; 0 if both are 0, infinity if only ||A|| is 0.
  double relative_error() const;

  /// The same in the weighted Frobenius norm.
  double weighted_relative_error() const;

  /// The same in the weighted entrywise l_p norm.
  double relative_lp_error() const;
};

/// All sums of ApproximationErrors, in one pass over both matrices.
///
/// Shapes    a, b: n x d; row_weights: u, n values >= 0, or empty for all ones; norm_exponent: p >=
///           1.
/// Method    differences in float32; their powers and all sums in float64.
/// Cost      about 10 n d flops for p = 1, 1.5 and 2; for other p one power per entry of A and of A
///           - B.
/// Accuracy  each difference has a relative error of at most eps32 / 2, so relative errors have a
///           relative error of about eps32. For p = 1 and 2 no float32 data overflow.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument if the shapes differ, on a negative or non-finite weight, and on p < 1
///           or infinite; also if a sum of p-th powers leaves float64 where the squares do not.
ApproximationErrors approximation_errors(const RowSource& a, const RowSource& b, std::span<const double> row_weights,
                                         double norm_exponent);

}  // namespace loewner
