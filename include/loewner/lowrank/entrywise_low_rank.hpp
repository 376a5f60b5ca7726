// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

/// The subspaces that entrywise_low_rank starts from; the rows are projected on them in the l_2 norm.
enum class EntrywiseStart {
  truncated_svd,
  lewis,          ///< leading eigenvectors of the Lewis quadratic form Q (see lewis_weights)
  row_subspace,   ///< robust_subspace of the rows with the loss r^p
  lewis_columns,  ///< robust_subspace with the loss r^p of the columns of F, F^T F = Q
};

std::string_view to_string(EntrywiseStart start);

struct EntrywiseLowRankOptions {
  Index rank = 0;                         ///< in [1, min(n, d)]
  double norm_exponent = 1;               ///< p >= 1, finite
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  int refined_starts = 2;                 ///< how many of the best starts are refined, >= 1
  int max_iterations = 60;                ///< of the refinement of a start; 0 returns the best start
  double tolerance = 1e-5;                ///< relative change of the objective that counts as none
  int polish_sweeps =
      0;  ///< of lp_row_projection at the end, over the rows and then over the columns: for small matrices
};

struct EntrywiseStartObjective {
  EntrywiseStart start;
  double objective;
};

struct EntrywiseLowRank {
  Matrix<float> left, right;                             // n x rank, rank x d
  EntrywiseStart start = EntrywiseStart::truncated_svd;  // where the result came from
  std::vector<EntrywiseStartObjective> starts;           // all that were tried
  FitReport report;  // objective: sum_i u_i ||a_i - b_i||_p^p; the initial one is that of the best start
};

/// B = left * right of rank at most k that makes  sum_ij u_i |a_ij - b_ij|^p  small.
///
/// Shapes    a: n x d; left: n x k; right: k x d.
/// Units     tolerance: relative.
/// Method    starts from four subspaces, refines the best of them by alternating directions with proximal maps of the
///           entries, and keeps the best factors met; polishing alternates exact l_p regressions from there. Row
///           weights scale the rows by u_i^(1/p); without them n < d is worked on as A^T. p = 2 is the truncated SVD.
/// Cost      per iteration one truncated SVD and 4 n d k flops in float32, with d the smaller side, plus a few powers
///           per entry unless p is 1; memory 3 n d + 2 n k float32. A 30522 x 384 table at k = 273, p = 1 takes some 20
///           seconds on two cores. A polishing sweep takes lp_row_projection of A and of A^T, and n d float32 more.
/// Accuracy  the problem is NP-hard for p = 1; the result is never worse than the best start, hence never worse than
///           the truncated SVD.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a rank outside [1, min(n, d)], p < 1 or not finite, bad weights, refined_starts < 1,
///           negative max_iterations or polish_sweeps, or a non-finite entry.
EntrywiseLowRank entrywise_low_rank(MatrixView<const float> a, const EntrywiseLowRankOptions& options);

}  // namespace loewner
