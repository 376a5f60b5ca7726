// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"

namespace loewner {

/// The subspaces that entrywise_low_rank starts from. Rows are projected on them in the l_2 norm.
enum class EntrywiseStart {
  truncated_svd,
  lewis,          ///< leading eigenvectors of the quadratic form Q of lewis_weights
  row_subspace,   ///< robust_subspace of the rows with the loss r^p
  lewis_columns,  ///< robust_subspace with the loss r^p of the columns of F, F^T F = Q
};

/// The name of a start, as the enumerator is spelled.
///
/// Errors    none.
std::string_view to_string(EntrywiseStart start);

struct EntrywiseLowRankOptions {
  Index rank = 0;                         ///< k in [1, min(n, d)]
  double norm_exponent = 1;               ///< p >= 1, finite
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  int refined_starts = 2;                 ///< >= 1: how many of the best starts are refined
  int max_iterations = 60;                ///< >= 0, per refined start; 0 returns the best start
  double tolerance = 1e-5;                ///< of the change of the objective, relative
  int polish_sweeps = 0;                  ///< >= 0: of lp_row_projection; for small matrices
};

struct EntrywiseStartObjective {
  EntrywiseStart start;
  double objective;
};

struct EntrywiseLowRank {
  Matrix<float> left;                                    ///< n x k
  Matrix<float> right;                                   ///< k x d
  EntrywiseStart start = EntrywiseStart::truncated_svd;  ///< the start of the result
  std::vector<EntrywiseStartObjective> starts;           ///< all starts
  FitReport report;  ///< objective: sum_i u_i ||a_i - b_i||_p^p; the initial one: of the best start
};

/// A matrix B = left * right of rank at most k with a small  sum_ij u_i |a_ij - b_ij|^p.
///
/// Shapes    a: n x d; left: n x k; right: k x d.
/// Units     tolerance: relative.
/// Method    starts from four subspaces, refines the best ones by the alternating direction method
///           with proximal maps of the entries [BoydEtAl2011] and keeps the best factors; polishing
///           alternates exact l_p regressions from there. Row weights scale the rows by u_i^(1/p);
///           without them A^T is factored if n < d. p = 2 is the truncated SVD.
/// Cost      per iteration one truncated SVD and 4 n d k flops in float32, where d is the smaller
///           side, and a few powers per entry unless p = 1; memory 3 n d + 2 n k float32. A 30522 x
///           384 table at k = 273, p = 1 takes about 20 seconds on two cores. A polishing sweep
///           takes lp_row_projection of A and of A^T, and n d float32 more.
/// Accuracy  the problem is NP-hard for p = 1. The result is never worse than the best start, hence
///           never worse than the truncated SVD.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a rank outside [1, min(n, d)], p < 1 or infinite, bad weights,
///           refined_starts < 1, negative max_iterations or polish_sweeps, and a non-finite entry;
///           also if the objective, a sum of p-th powers, leaves float64, or a factor float32.
EntrywiseLowRank entrywise_low_rank(MatrixView<const float> a, const EntrywiseLowRankOptions& options);

}  // namespace loewner
