// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/shrunk_regression.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kShrunkRegressionDoc =
    R"(Fit a correction to some rows of a known design, shrunk so that it helps on all rows.

Solves min_x sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|^p with L^T L = metric. lambda has the
least estimated error on all rows of the design, of which row i was drawn with probability q_i.

Parameters
----------
a : array_like of shape (m, k)
    The drawn rows of the design.
b : array_like of shape (m,) or (m, t)
    The residuals to correct.
metric : array_like of shape (k, k)
    Symmetric positive semidefinite: the weighted Gram matrix of the whole design for p = 2, `q` of
    `loewner.norms.lewis_weights` for any p.
norm_exponent : float
    p >= 1, finite.
row_weights : array_like of shape (m,), optional
    Weights u_i >= 0 of the rows; all ones if None.
probabilities : array_like of shape (m,), optional
    Probabilities q_i in (0, 1] of the rows; all ones if None.
folds : int
    Parts that are left out in turn, >= 2.
seed : int
    Seed of the parts.

Returns
-------
ShrunkRegression
    The correction, lambda and the estimated ratio of errors.

Raises
------
ValueError
    If an option is out of range, shapes do not fit, or an entry is not finite.

Notes
-----
Shrinkage as in ridge regression [1]_, but in the given metric. lambda is chosen from a grid of half
decades by cross-validation [1]_ on at most 16 columns of b. Cost: about 66 regressions of m + k rows, and
one on all columns. Results have the same bits for any number of threads.

References
----------
.. [1] T. Hastie, R. Tibshirani and J. Friedman, "The elements of statistical learning", 2nd edition,
   Springer, 2009, sections 3.4 and 7.10.

Examples
--------
>>> import numpy as np
>>> from loewner.regression import shrunk_regression
>>> rng = np.random.default_rng(0)
>>> a, noise = rng.standard_normal((60, 2)), rng.standard_normal((60, 1))
>>> fit = shrunk_regression(a, a @ [[1.0], [2.0]] + 0.01 * noise, a.T @ a)
>>> fit.x.round(1).ravel(), fit.estimated_ratio < 0.01
(array([1., 2.]), True)
)";

}  // namespace

void bind_shrunk_regression(nb::module_& m) {
  bind_result<ShrunkRegression>(m, "ShrunkRegression", "A correction that was fitted to some rows of a known design.",
                                field("x", &ShrunkRegression::x, "(k, t) The correction; 0 if no fit would help."),
                                field("shrinkage", &ShrunkRegression::shrinkage, "lambda; infinity if x = 0."),
                                field("estimated_ratio", &ShrunkRegression::estimated_ratio,
                                      "Error of x over error of x = 0, on all rows of the design, estimated."));

  const ShrunkRegressionOptions defaults;
  m.def(
      "shrunk_regression",
      [](const ArrayLike& a, const ArrayLike& b, const ArrayLike& metric, double norm_exponent,
         const OptionalArray& row_weights, const OptionalArray& probabilities, int folds, std::uint64_t seed) {
        const auto design = dense<double>(a, "a"), norm = dense<double>(metric, "metric");
        const Targets targets(b, "b");
        const auto weights = vector(row_weights, "row_weights"), drawn = vector(probabilities, "probabilities");
        const ShrunkRegressionOptions options{norm_exponent, weights.view(), drawn.view(), folds, seed};
        return interruptible([&] { return shrunk_regression(design.view(), targets.view(), norm.view(), options); });
      },
      "a"_a, "b"_a, "metric"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = nb::none(),
      "probabilities"_a = nb::none(), "folds"_a = defaults.folds, "seed"_a = defaults.seed, kShrunkRegressionDoc);
}

}  // namespace loewner::python
