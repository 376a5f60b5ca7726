// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/norms/lewis_weights.hpp"

namespace loewner {

/// An ellipsoid norm close to ||A x||_p, diagonalised: with F = diag(scales) vt and c = distortion,
///
///     ||F x||_2 <= ||A x||_p <= c ||F x||_2    for all x,      ||A x||_p^p = sum_i u_i |a_i^T x|^p.
///
/// Keeping the leading k scales approximates A by A V_k V_k^T, the rows' orthogonal projections on the leading rows of
/// vt: one factorisation serves all ranks.
struct LpFactorization {
  double norm_exponent = 1;
  std::vector<double> scales;  ///< m = min(n, d) values, descending; 0 beyond the numerical rank
  Matrix<double> vt;           ///< m x d, orthonormal rows
  double distortion = 1;
  Status status = Status::converged;  ///< of the Lewis weights
  int iterations = 0;

  /// The leading k rows of vt. Requires 0 <= k <= m.
  MatrixView<const double> basis(Index k) const&;
  MatrixView<const double> basis(Index k) && = delete;

  /// c (sum_j ||(F - F_k) e_j||_2^p)^(1/p), an upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p).
  double error_bound(Index k) const;
};

/// The factorisation by Lewis weights; for p = 2 the singular value decomposition, with distortion 1.
///
/// Shapes    a: n x d.
/// Method    F^T F = Q of lewis_weights, scaled so that the left inequality is the tight one.
/// Cost      lewis_weights plus one symmetric eigenproblem (4 d^3 flops); p = 2: truncated_svd.
/// Accuracy  distortion is the certificate of lewis_weights, for p <= 6 at most 5 % above rank^|1/p - 1/2| in
///           practice.
/// Random    none; the same bits for any number of threads.
/// Errors    as lewis_weights.
LpFactorization lp_factorization(const RowSource& a, const LewisOptions& options = {});

/// A lower bound of ||A - B||_p over all B of rank k, from the singular values of the n x d matrix A:
/// min(1, (n d)^(1/p - 1/2)) times the tail's l_2 norm. (Rows weighted by u: the singular values of diag(u^(1/p)) A.)
double lp_error_lower_bound(std::span<const double> singular_values, Index rank, Index rows, Index cols,
                            double norm_exponent);

/// How the rows are projected on the subspace once it is chosen.
enum class RowProjection {
  orthogonal,  ///< a_i V V^T, one product
  lp,          ///< the closest point in the l_p norm (lp_row_projection): never worse, much slower
};

struct LpLowRankOptions {
  Index rank = 0;                         ///< in [1, min(n, d)]
  double norm_exponent = 1;               ///< p >= 1, finite
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  RowProjection row_projection = RowProjection::orthogonal;
};

struct LpLowRank {
  Matrix<float> left;      // n x k
  Matrix<float> right;     // k x d
  double error = 0;        // (sum_i u_i ||a_i - b_i||_p^p)^(1/p), measured on B = left right
  double upper_bound = 0;  // LpFactorization::error_bound
  double lower_bound = 0;  // of any rank-k matrix's error: lp_error_lower_bound
  double distortion = 1;
  Status status = Status::converged;
};

/// A rank-k matrix B = left right that makes  sum_i u_i ||a_i - b_i||_p^p  small, by lp_factorization.
///
/// Shapes    a: n x d.
/// Method    lp_factorization of A, of A^T (in memory) when n < d and there are no row weights, since the sum is the
///           same for both and the bounds are better on the shorter side; row weights tie the orientation.
/// Cost      lp_factorization + truncated_svd for the lower bound + the row projection + 2 n d k flops in float32.
/// Accuracy  lower_bound <= error <= upper_bound up to float32 rounding. p = 2: the truncated SVD. For a smaller error
///           at more cost see entrywise_low_rank.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument as lewis_weights, and on a rank outside [1, min(n, d)].
LpLowRank lp_low_rank(const RowSource& a, const LpLowRankOptions& options);

}  // namespace loewner
