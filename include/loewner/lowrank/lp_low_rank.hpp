// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/norms/lewis_weights.hpp"

namespace loewner {

/// An ellipsoid norm close to ||A x||_p in diagonal form: with F = diag(scales) vt and c =
/// distortion,
///
///     ||F x||_2 <= ||A x||_p <= c ||F x||_2    for all x,
///
/// where ||A x||_p^p = sum_i u_i |a_i^T x|^p.
///
/// The leading k rows V_k^T of vt approximate A by A V_k V_k^T, so that one factorization serves
/// all ranks.
struct LpFactorization {
  double norm_exponent = 1;
  std::vector<double> scales;  ///< m = min(n, d) values, descending; 0 beyond the numerical rank
  Matrix<double> vt;           ///< m x d, orthonormal rows
  double distortion = 1;
  Status status = Status::converged;  ///< of the Lewis weights
  int iterations = 0;

  /// The leading k rows of vt, 0 <= k <= m; otherwise throws InvalidArgument.
  MatrixView<const double> basis(Index k) const&;
  MatrixView<const double> basis(Index k) && = delete;

  /// c (sum_j ||(F - F_k) e_j||_2^p)^(1/p), an upper bound of (sum_i u_i ||a_i - V_k V_k^T
  /// a_i||_p^p)^(1/p).
  double error_bound(Index k) const;
};

/// The LpFactorization of A by Lewis weights; for p = 2 the singular value decomposition.
///
/// Shapes    a: n x d.
/// Method    F^T F = Q of lewis_weights, scaled so that the left inequality is the tight one.
/// Cost      lewis_weights and one symmetric eigenproblem (4 d^3 flops); for p = 2 truncated_svd.
/// Accuracy  distortion is the certificate of lewis_weights, for p <= 6 in practice at most 5 %
///           above rank^|1/p - 1/2|; 1 for p = 2.
/// Random    none; the same bits for any number of threads.
/// Errors    as lewis_weights.
LpFactorization lp_factorization(const RowSource& a, const LewisOptions& options = {});

/// A lower bound of ||A - B||_p over all B of rank k: min(1, (n d)^(1/p - 1/2)) times the l_2 norm
/// of the singular values after the leading k.
///
/// Shapes    singular_values: of the n x d matrix A, descending; of diag(u^(1/p)) A for row weights
///           u.
/// Method    the optimal l_2 error and the inequality between l_p and l_2 norms of n d entries.
/// Cost      min(n, d) flops.
/// Accuracy  exact for p = 2.
/// Errors    InvalidArgument on a rank outside [0, number of singular values].
double lp_error_lower_bound(std::span<const double> singular_values, Index rank, Index rows, Index cols,
                            double norm_exponent);

/// How lp_low_rank projects the rows on the chosen subspace.
enum class RowProjection {
  orthogonal,  ///< a_i V V^T, one product
  lp,          ///< the closest point in the l_p norm (lp_row_projection): never worse, much slower
};

struct LpLowRankOptions {
  Index rank = 0;                         ///< k in [1, min(n, d)]
  double norm_exponent = 1;               ///< p >= 1, finite
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  RowProjection row_projection = RowProjection::orthogonal;
};

struct LpLowRank {
  Matrix<float> left;      ///< n x k
  Matrix<float> right;     ///< k x d
  double error = 0;        ///< (sum_i u_i ||a_i - b_i||_p^p)^(1/p) of B = left * right, measured
  double upper_bound = 0;  ///< of the error: LpFactorization::error_bound
  double lower_bound = 0;  ///< of the error of any matrix of rank k: lp_error_lower_bound
  double distortion = 1;
  Status status = Status::converged;
};

/// A matrix B = left * right of rank k with a small  sum_i u_i ||a_i - b_i||_p^p,  by
/// lp_factorization.
///
/// Shapes    a: n x d; left: n x k; right: k x d.
/// Method    lp_factorization of A. For n < d without row weights it factors A^T (a copy in
///           memory): the sum is the same and the bounds are better on the shorter side. Row
///           weights belong to rows, so they fix the orientation.
/// Cost      lp_factorization, truncated_svd for the lower bound, the projection of the rows, and 2
///           n d k flops in float32.
/// Accuracy  lower_bound <= error <= upper_bound up to float32 rounding. p = 2 is the truncated
///           SVD. entrywise_low_rank has a smaller error at a higher cost.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument as lewis_weights, and on a rank outside [1, min(n, d)].
LpLowRank lp_low_rank(const RowSource& a, const LpLowRankOptions& options);

}  // namespace loewner
