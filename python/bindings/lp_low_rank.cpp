// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_low_rank.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "choice.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {

template <>
struct ChoiceWords<RowProjection> {
  static constexpr auto text = nb::detail::const_name("'orthogonal', 'lp'");
};

namespace {

using namespace nb::literals;

constexpr const char* kFactorizationResultDoc = R"(A diagonalized ellipsoid norm close to ||A x||_p.

With F = diag(scales) vt, ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2 for all x.
The leading k rows of `vt` serve rank k.)";

constexpr const char* kErrorBoundDoc = R"(Bound the error of the projection on the leading rows of `vt`.

Parameters
----------
rank : int
    k, in [0, min(n, d)].

Returns
-------
float
    An upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p).

Raises
------
ValueError
    If the rank is out of range.
)";

constexpr const char* kFactorizationDoc =
    R"(Factor a matrix for low rank in an l_p norm; one factorization serves all ranks.

Finds F = diag(scales) vt with ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
norm_exponent : float
    p >= 1, finite. p = 2 is the SVD.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
max_iterations : int
    As in `loewner.norms.lewis_weights`.
tolerance : float
    As in `loewner.norms.lewis_weights`.

Returns
-------
LpFactorization
    Scales, right vectors and distortion.

Raises
------
ValueError
    As in `loewner.norms.lewis_weights`.

Notes
-----
The factorization is that of [1]_ with Lewis weights [2]_ in place of the smallest ellipsoid: F^T F is Q
of `loewner.norms.lewis_weights`, scaled. Cost: that of the weights, and 4 d^3 flops.

References
----------
.. [1] M. Tukan, A. Maalouf, M. Weksler and D. Feldman, "No fine-tuning, no cry: robust SVD for compressing
   deep networks", Sensors 21, 2021.
.. [2] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.

Examples
--------
>>> import numpy as np
>>> from loewner.lowrank import lp_factorization
>>> found = lp_factorization(np.diag([3.0, 2.0, 1.0]), norm_exponent=2)
>>> found.scales.round(6), round(found.error_bound(2), 6)
(array([3., 2., 1.]), 1.0)
)";

constexpr const char* kLowRankDoc = R"(Find a low-rank matrix with a small l_p error, with bounds on both sides.

Finds B = left @ right of the given rank that makes sum_i u_i ||a_i - b_i||_p^p small.

Parameters
----------
a : array_like of shape (n, d)
    The matrix, computed with in float32.
rank : int
    Rank of B, in [1, min(n, d)].
norm_exponent : float
    p >= 1, finite.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
row_projection : {'orthogonal', 'lp'}
    How the rows are projected on the subspace: by one product, or to the closest point in the l_p norm,
    which is never worse and much slower.

Returns
-------
LpLowRank
    Factors, error and bounds.

Raises
------
ValueError
    If an option is out of range, a weight is negative, or an entry is not finite (the message names
    its row and column).

Notes
-----
Projects the rows on the leading rows of `vt` of `lp_factorization` [1]_. lower_bound <= error <=
upper_bound up to float32 rounding; p = 2 gives the truncated SVD. `entrywise_low_rank` has a smaller
error at a higher cost. Results have the same bits for any number of threads.

References
----------
.. [1] M. Tukan, A. Maalouf, M. Weksler and D. Feldman, "No fine-tuning, no cry: robust SVD for compressing
   deep networks", Sensors 21, 2021.

Examples
--------
>>> import numpy as np
>>> from loewner.lowrank import lp_low_rank
>>> a = np.random.default_rng(0).standard_normal((100, 8))
>>> fit = lp_low_rank(a, 3, norm_exponent=1)
>>> fit.left.shape, fit.right.shape
((100, 3), (3, 8))
>>> fit.lower_bound <= fit.error <= fit.upper_bound
True
)";

void bind_factorization(nb::module_& m) {
  auto result = bind_result<LpFactorization>(
      m, "LpFactorization", kFactorizationResultDoc,
      field("scales", &LpFactorization::scales, "(min(n, d),) Descending."),
      field("vt", &LpFactorization::vt, "(min(n, d), d) Orthonormal rows."),
      field("norm_exponent", &LpFactorization::norm_exponent, "p."),
      field("distortion", &LpFactorization::distortion, "Factor between the two norms."),
      field("status", &LpFactorization::status, "How the Lewis weights ended."),
      field("iterations", &LpFactorization::iterations, "Iterations of the Lewis weights."));
  result.def("error_bound", &LpFactorization::error_bound, "rank"_a, kErrorBoundDoc);

  const LewisOptions defaults;
  m.def(
      "lp_factorization",
      [](const ArrayLike& a, double norm_exponent, const OptionalArray& row_weights, int max_iterations,
         double tolerance) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const LewisOptions options{norm_exponent, weights.view(), max_iterations, tolerance};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return lp_factorization(rows, options); });
      },
      "a"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance, kFactorizationDoc);
}

void bind_low_rank(nb::module_& m) {
  bind_choice<RowProjection>(
      m, "RowProjection", "How `lp_low_rank` projects the rows on a subspace.",
      {{"orthogonal", RowProjection::orthogonal, "By one product."},
       {"lp", RowProjection::lp, "To the closest point in the l_p norm: never worse, much slower."}});

  bind_result<LpLowRank>(
      m, "LpLowRank", "A low-rank approximation B = left @ right in an l_p norm.",
      field("left", &LpLowRank::left, "(n, rank) Left factor."),
      field("right", &LpLowRank::right, "(rank, d) Right factor."),
      field("error", &LpLowRank::error, "Measured on left @ right: (sum_i u_i ||a_i - b_i||_p^p)^(1/p)."),
      field("upper_bound", &LpLowRank::upper_bound, "Upper bound of the error, by the factorization."),
      field("lower_bound", &LpLowRank::lower_bound, "Lower bound of the error of every matrix of this rank."),
      field("distortion", &LpLowRank::distortion, "Distortion of the factorization."),
      field("status", &LpLowRank::status, "How the Lewis weights ended."));

  const LpLowRankOptions defaults;
  m.def(
      "lp_low_rank",
      [](const ArrayLike& a, Index rank, double norm_exponent, const OptionalArray& row_weights,
         const Choice<RowProjection>& row_projection) {
        const auto matrix = dense<float>(a, "a");
        const auto weights = vector(row_weights, "row_weights");
        const LpLowRankOptions options{rank, norm_exponent, weights.view(), chosen(row_projection, "row_projection")};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return lp_low_rank(rows, options); });
      },
      "a"_a, "rank"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "row_projection"_a = word_of(defaults.row_projection), kLowRankDoc);
}

}  // namespace

void bind_lp_low_rank(nb::module_& m) {
  bind_factorization(m);
  bind_low_rank(m);
}

}  // namespace loewner::python
