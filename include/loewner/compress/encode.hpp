// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/compress/options.hpp"

namespace loewner {

/// A matrix and what its encoding must achieve.
struct EncodeRequest {
  std::shared_ptr<const RowSource> matrix;  ///< n x d
  std::span<const double> row_weights;      ///< n values > 0, or empty
  Index source_bytes = 0;                   ///< of the matrix as it is stored now; an encoding must be smaller
  std::optional<Index> max_bytes;           ///< of the stored arrays; this or max_error
  std::optional<double> max_error;          ///< relative weighted Frobenius error
  Method method = Method::automatic;
  double norm_exponent = 2;
  NumberFormat factor_format = NumberFormat::f32;
};

/// An encoding whose arrays are computed when they are read, and what is known of it before it is stored.
struct Encoding {
  std::unique_ptr<EncodedMatrix> matrix;
  std::string method;  ///< svd, lp or dense
  std::optional<Index> rank;
  double predicted_error = 0;          ///< relative weighted Frobenius error, before rounding to the factor format
  std::optional<double> lp_error_svd;  ///< relative weighted l_p error of the truncated SVD of the same rank
  std::optional<double> certificate;   ///< proven distortion of the l_p factorisation; 1 for p = 2
};

/// Chooses and computes the encoding of one matrix.
///
/// Method    svd, lp: the largest rank within max_bytes, or the smallest within max_error. automatic: both at that
/// rank, and the one of lower
///           relative weighted l_p error (p = norm_exponent; for p = 2 they agree and svd is taken); where the number
///           format alone meets the budget, dense in that format instead.
/// Cost      that of truncated_svd and lp_factorisation; automatic and lp one more pass of 4 n d k flops for each to
/// compare. Errors    BudgetError when even rank 1 is too large or the guard finds that factors would not be smaller
/// than the matrix itself; the message
///           names the smallest possible size. InvalidArgument on a non-finite entry or a bad norm exponent.
Encoding encode_matrix(const EncodeRequest& request);

}  // namespace loewner
