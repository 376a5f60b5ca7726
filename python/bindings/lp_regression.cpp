// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kLpDoc = R"(Solve l_p regressions with one design: min_x (sum_i u_i |a_i^T x - b_i|^p)^(1/p).

For p = infinity the objective is max_i u_i |a_i^T x - b_i|. Each column of b is one regression.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design, of any rank.
b : array_like of shape (n,) or (n, t)
    The targets.
norm_exponent : float
    p in [1, infinity].
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
tolerance : float
    Duality gap relative to the objective.
max_iterations : int
    Limit per column of b.

Returns
-------
RobustRegression
    Solutions, objectives and lower bounds that prove them.

Raises
------
ValueError
    If an option is out of range, a weight is negative, `b` has another number of rows, or an entry is
    not finite (the message names its row and column).

Notes
-----
Newton steps with line search for 1 < p < infinity; an interior point method [1]_ and exchanges of rows
[2]_ for p = 1; exchanges of a reference [3]_ for p = infinity. p = 1 and infinity end at a vertex, optimal
to rounding. Cost: 5 n d^2 flops for the design, and 10 to 30 steps of n d^2 flops per column. Results
have the same bits for any number of threads.

References
----------
.. [1] S. Portnoy and R. Koenker, "The Gaussian hare and the Laplacian tortoise: computability of
   squared-error versus absolute-error estimators", Statistical Science 12, 1997.
.. [2] I. Barrodale and F. D. K. Roberts, "An improved algorithm for discrete l_1 linear approximation",
   SIAM Journal on Numerical Analysis 10, 1973.
.. [3] E. Stiefel, "Ueber diskrete und lineare Tschebyscheff-Approximationen", Numerische Mathematik 1,
   1959.

Examples
--------
>>> from loewner.regression import lp_regression
>>> lp_regression([[1.0], [1.0], [1.0]], [1.0, 2.0, 30.0], norm_exponent=1).x
array([[2.]])
)";

constexpr const char* kHuberDoc = R"(Solve Huber regressions with one design: min_x sum_i u_i rho(a_i^T x - b_i).

rho(r) = r^2/2 for |r| <= scale, scale (|r| - scale/2) beyond. Each column of b is one regression.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The design, of any rank.
b : array_like of shape (n,) or (n, t)
    The targets.
scale : float
    Size of a residual from which the loss is linear, > 0; in the units of b.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
tolerance : float
    Duality gap relative to the objective.
max_iterations : int
    Limit per column of b.

Returns
-------
RobustRegression
    Solutions, objectives and lower bounds that prove them.

Raises
------
ValueError
    As in `lp_regression`, and if `scale` is not positive and finite.

Notes
-----
The loss of [1]_, by Newton steps with line search [2]_. Cost and accuracy are those of `lp_regression`
for p = 2.

References
----------
.. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35,
   1964.
.. [2] K. Madsen and H. B. Nielsen, "Finite algorithms for robust linear regression", BIT 30, 1990.

Examples
--------
>>> from loewner.regression import huber_regression
>>> huber_regression([[1.0], [1.0], [1.0]], [1.0, 2.0, 30.0], 1.0).x.round(3)
array([[2.]])
)";

}  // namespace

void bind_lp_regression(nb::module_& m) {
  auto result = bind_result<RobustRegression>(
      m, "RobustRegression", "Regressions on one design, one per column of b.",
      field("x", &RobustRegression::x, "(d, t) The solutions."),
      field("objectives", &RobustRegression::objectives, "(t,) Objectives, recomputed from x and a."),
      field("lower_bounds", &RobustRegression::lower_bounds, "(t,) No x has a smaller objective."),
      field("statuses", &RobustRegression::statuses, "How each column ended."),
      field("rank", &RobustRegression::rank, "Numerical rank of the rows with weight."),
      field("iterations", &RobustRegression::iterations, "Largest number of iterations of a column."));
  result.def_prop_ro("converged", &RobustRegression::converged, "Whether all columns converged.");

  const LpRegressionOptions defaults;
  m.def(
      "lp_regression",
      [](const MatrixLike& a, const ArrayLike& b, double norm_exponent, const OptionalArray& row_weights,
         double tolerance, int max_iterations) {
        const auto weights = vector(row_weights, "row_weights");
        const LpRegressionOptions options{norm_exponent, weights.view(), tolerance, max_iterations};
        const Targets right(b, "b");
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return lp_regression(rows, right.view(), options); });
        });
      },
      "a"_a, "b"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "tolerance"_a = defaults.tolerance, "max_iterations"_a = defaults.max_iterations, kLpDoc);

  const HuberRegressionOptions huber;
  m.def(
      "huber_regression",
      [](const MatrixLike& a, const ArrayLike& b, double scale, const OptionalArray& row_weights, double tolerance,
         int max_iterations) {
        const auto weights = vector(row_weights, "row_weights");
        const HuberRegressionOptions options{scale, weights.view(), tolerance, max_iterations};
        const Targets right(b, "b");
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return huber_regression(rows, right.view(), options); });
        });
      },
      "a"_a, "b"_a, "scale"_a, nb::kw_only(), "row_weights"_a = nb::none(), "tolerance"_a = huber.tolerance,
      "max_iterations"_a = huber.max_iterations, kHuberDoc);
}

}  // namespace loewner::python
