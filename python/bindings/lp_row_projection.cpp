// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_row_projection.hpp"

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kRowProjectionDoc = R"(Project rows on a row space in the l_p norm: min_z ||a_i - z right||_p.

Parameters
----------
a : array_like of shape (n, d)
    The rows, computed with in float32.
right : array_like of shape (k, d)
    Rows that span the space, of any rank, k <= d.
norm_exponent : float
    p >= 1, finite.
max_iterations : int
    Limit per row.
tolerance : float
    Relative decrease of a row's objective at which the row is finished.

Returns
-------
LpRowProjection
    The left factor and a report.

Raises
------
ValueError
    If an option is out of range, the shape of `right` does not fit, or an entry is not finite.

Notes
-----
Iteratively reweighted least squares per row, from the l_2 projection, whose objective is never exceeded:
with steps 1 / (p - 1) for p > 2 [1]_ and weights whose smoothing decreases [2]_. Cost per row and
iteration: d m^2 flops with m = min(k, d - k). Row weights would not change the minimizers. Results have
the same bits for any number of threads.

References
----------
.. [1] C. S. Burrus, J. A. Barreto and I. W. Selesnick, "Iterative reweighted least-squares design of FIR
   filters", IEEE Transactions on Signal Processing 42, 1994.
.. [2] R. Chartrand and W. Yin, "Iteratively reweighted algorithms for compressive sensing", ICASSP 2008.

Examples
--------
>>> from loewner.lowrank import lp_row_projection
>>> lp_row_projection([[1.0, 1.0, 9.0]], [[1.0, 1.0, 1.0]], norm_exponent=1).left.round(3)
array([[1.]], dtype=float32)
)";

}  // namespace

void bind_lp_row_projection(nb::module_& m) {
  bind_result<LpRowProjection>(
      m, "LpRowProjection", "The projection left @ right of rows in an l_p norm.",
      field("left", &LpRowProjection::left, "(n, k) Left factor; of least norm if right has a lower rank."),
      field("report", &LpRowProjection::report,
            "Status and iterations; the objective is sum_i ||a_i - left_i right||_p^p."));

  const LpRowProjectionOptions defaults;
  m.def(
      "lp_row_projection",
      [](const ArrayLike& a, const ArrayLike& right, double norm_exponent, int max_iterations, double tolerance) {
        const auto matrix = dense<float>(a, "a"), factor = dense<float>(right, "right");
        const LpRowProjectionOptions options{norm_exponent, max_iterations, tolerance};
        const DenseRows rows(matrix.view());
        return interruptible([&] { return lp_row_projection(rows, factor.view(), options); });
      },
      "a"_a, "right"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "max_iterations"_a = defaults.max_iterations, "tolerance"_a = defaults.tolerance, kRowProjectionDoc);
}

}  // namespace loewner::python
