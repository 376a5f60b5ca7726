// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/entrywise_low_rank.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "choice.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kEntrywiseDoc = R"(Find a low-rank matrix with a small entrywise l_p error.

Makes sum_ij u_i |a_ij - b_ij|^p small over B = left @ right of rank at most `rank`.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
rank : int
    Rank of B, in [1, min(n, d)].
norm_exponent : float
    p >= 1, finite. p = 2 gives the truncated SVD.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
refined_starts : int
    How many of the best starts are refined.
max_iterations : int
    Limit per refined start; 0 returns the best start.
tolerance : float
    Relative change of the objective that counts as none.

Returns
-------
EntrywiseLowRank
    Factors, the starts with their objectives, and a report.

Raises
------
ValueError
    If an option is out of range, a weight is negative, or an entry is not finite (the message names
    its row and column).

Notes
-----
Starts from four subspaces and refines the best of them by alternating directions [1]_ with proximal
maps of the entries. The result is never worse than the truncated SVD; the problem is NP-hard for p = 1
[2]_. Slower and closer than `lp_low_rank`. Cost per iteration: one truncated SVD and 4 n d rank flops.
Results have the same bits for any number of threads.

References
----------
.. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and statistical
   learning via the alternating direction method of multipliers", Foundations and Trends in Machine
   Learning 3, 2011.
.. [2] N. Gillis and S. A. Vavasis, "On the complexity of robust PCA and l1-norm low-rank matrix
   approximation", Mathematics of Operations Research 43, 2018.

Examples
--------
>>> import numpy as np
>>> from loewner.lowrank import entrywise_low_rank
>>> a = np.outer(np.arange(1.0, 30.0), np.arange(1.0, 6.0))
>>> a[3, 2] += 100
>>> fit = entrywise_low_rank(a, 1)
>>> fit.starts[0].start == "truncated_svd", fit.report.final_objective < fit.starts[0].objective
(True, True)
)";

}  // namespace

void bind_entrywise_low_rank(nb::module_& m) {
  bind_choice<EntrywiseStart>(
      m, "EntrywiseStart", "The subspace from which `entrywise_low_rank` starts.",
      {{"truncated_svd", EntrywiseStart::truncated_svd, "That of the truncated SVD."},
       {"lewis", EntrywiseStart::lewis, "The leading eigenvectors of Q of `loewner.norms.lewis_weights`."},
       {"row_subspace", EntrywiseStart::row_subspace, "The robust subspace of the rows for the loss r^p."},
       {"lewis_columns", EntrywiseStart::lewis_columns, "The robust subspace of the columns of F, F^T F = Q."}});
  bind_result<EntrywiseStartObjective>(m, "EntrywiseStartObjective", "A start and its objective.",
                                       field("start", &EntrywiseStartObjective::start, "The start."),
                                       field("objective", &EntrywiseStartObjective::objective, "Its objective."));
  bind_result<EntrywiseLowRank>(
      m, "EntrywiseLowRank", "A low-rank approximation left @ right with a small entrywise l_p error.",
      field("left", &EntrywiseLowRank::left, "(n, rank) Left factor."),
      field("right", &EntrywiseLowRank::right, "(rank, d) Right factor."),
      field("start", &EntrywiseLowRank::start, "The start of the result."),
      field("starts", &EntrywiseLowRank::starts, "All starts with their objectives."),
      field("report", &EntrywiseLowRank::report,
            "Status and iterations; the objective is the weighted sum of the p-th powers of the errors."));

  const EntrywiseLowRankOptions defaults;
  m.def(
      "entrywise_low_rank",
      [](const ArrayLike& a, Index rank, double norm_exponent, const OptionalArray& row_weights, int refined_starts,
         int max_iterations, double tolerance) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const EntrywiseLowRankOptions options{rank,           norm_exponent,  weights.view(),
                                              refined_starts, max_iterations, tolerance};
        return interruptible([&] { return entrywise_low_rank(matrix.view(), options); });
      },
      "a"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "refined_starts"_a = defaults.refined_starts, "max_iterations"_a = defaults.max_iterations,
      "tolerance"_a = defaults.tolerance, kEntrywiseDoc);
}

}  // namespace loewner::python
