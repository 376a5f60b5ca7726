// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// The algorithm for the right singular vectors.
enum class SvdRoute {
  automatic,  ///< krylov if eps allows it, direct if sigma_rank < kGramRouteLimit sigma_1, or gram
  gram,       ///< eigenvectors of A^T W A: one pass, fastest; squares the condition number
  direct,     ///< blocked QR, then the SVD of R: one pass, 4 x slower; keeps small singular values
  krylov,     ///< block Krylov (block_krylov.hpp): the leading vectors only, to within eps
};

/// The name of a route, as its enumerator.
///
/// Errors    none.
std::string_view to_string(SvdRoute route);

/// The ratio sigma_k / sigma_1 below which the Gram route loses digits: the eigenvalue sigma_k^2
/// has the absolute error eps64 sigma_1^2, so the relative error of sigma_k is eps64 / 2 (sigma_1 /
/// sigma_k)^2, here about 1e-6.
inline constexpr double kGramRouteLimit = 1e-5;

struct TruncatedSvdOptions {
  Index rank = 0;                         ///< in [1, min(n, d)]
  std::span<const double> row_weights{};  ///< n values >= 0, or empty for all ones
  SvdRoute route = SvdRoute::automatic;
  double eps = 0;     ///< >= 0: allowed relative excess of the error; > 0 for route krylov
  Index vectors = 0;  ///< rows of vt, in [rank, min(n, d)]; 0: rank. krylov always returns `rank`
};

/// The leading right singular vectors of sqrt(W) A and its singular values.
struct RightSingularVectors {
  std::vector<double> singular_values;  // min(n, d), descending; `rank` values for krylov
  Matrix<double> vt;                    // rank (or `vectors`) x d, orthonormal rows
  SvdRoute route = SvdRoute::gram;      // the chosen route
  double residual_norm = 0;             // root of the sum of squares of the missing values
};

/// The subspace that minimizes sum_i w_i ||a_i - V V^T a_i||_2^2 over all V with `rank` orthonormal
/// columns: the truncated SVD of sqrt(W) A. The best rank-k matrix is B = A V V^T; its left factor
/// A V is project_rows(a, vt).
///
/// Shapes    a: n x d; vt: rank x d.
/// Method    Gram matrix and symmetric eigenproblem (route gram), or blocked Householder QR and SVD
///           of R (route direct); for n < d on the transposed matrix, which is then held in memory,
///           `automatic` by the Gram matrix if n > 1024 and sigma_rank >= kGramRouteLimit sigma_1.
///           With eps > 0, block Krylov if is_krylov_cheaper and it converges; otherwise the Gram
///           matrix from float32 products if the error of rank `rank` exceeds their errors, some
///           1e-8 of the squared norm.
/// Cost      with d the smaller side: n d^2 + 11 d^3 flops (gram), some 4 n d^2 + 10 d^3 (direct);
///           memory 3 d^2 doubles and one row block. krylov: some 12 n d k + 72 (n + d) k^2 flops
///           and 26 (n + d) k bytes.
/// Accuracy  objective within a relative 1e-6 of the optimum for `automatic` with eps = 0,
///           otherwise within 2 eps; for singular values see kGramRouteLimit.
/// Random    krylov: a fixed seed. The same bits for any number of threads.
/// Errors    InvalidArgument on a rank outside [1, min(n, d)], vectors outside [rank, min(n, d)],
///           invalid weights, an eps that is negative, infinite or, for krylov, 0, or a non-finite
///           entry (row and column named).
RightSingularVectors truncated_svd(const RowSource& a, const TruncatedSvdOptions& options);

/// Whether the cost model of `automatic` prefers krylov: 12 n d k + 72 (n + d) k^2 < n d^2 + 11 d^3
/// with d the smaller side, and bases of at most 256 MiB or the memory of the Gram route. Both
/// sides run at about the same speed: for 30522 x 768, 20000 x 2048 and 11008 x 4096 with k = 16
/// ... 300 the choice was right except for ratios near 1.
///
/// Errors    none.
bool is_krylov_cheaper(Index rows, Index cols, Index rank);

}  // namespace loewner
