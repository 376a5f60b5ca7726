// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lp_error.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kErrorsDoc = R"(Measure all errors of an approximation in one pass.

Parameters
----------
a : array_like of shape (n, d)
    The matrix A, computed with in float32.
b : array_like of shape (n, d)
    The approximation B.
row_weights : array_like of shape (n,), optional
    Weights u_i >= 0 of the rows; all ones if None.
norm_exponent : float
    p >= 1, finite.

Returns
-------
ApproximationErrors
    Sums over the entries of A and of A - B, and relative errors.

Raises
------
ValueError
    If shapes differ, a weight is negative or not finite, or p is out of range.

Notes
-----
Differences are float32, their powers and all sums float64. Results have the same bits for any number
of threads.

Examples
--------
>>> from loewner.norms import approximation_errors
>>> approximation_errors([[3.0, 4.0]], [[3.0, 3.0]]).relative_error
0.2
)";

}  // namespace

void bind_lp_error(nb::module_& m) {
  using Errors = ApproximationErrors;
  auto errors = bind_result<Errors>(
      m, "ApproximationErrors", "Sums over the entries of A and of A - B.",
      field("norm_exponent", &Errors::norm_exponent, "p."),
      field("squared_norm", &Errors::squared_norm, "sum_i ||a_i||_2^2."),
      field("squared_error", &Errors::squared_error, "sum_i ||a_i - b_i||_2^2."),
      field("weighted_squared_norm", &Errors::weighted_squared_norm, "sum_i u_i ||a_i||_2^2."),
      field("weighted_squared_error", &Errors::weighted_squared_error, "sum_i u_i ||a_i - b_i||_2^2."),
      field("weighted_power_norm", &Errors::weighted_power_norm, "sum_i u_i ||a_i||_p^p."),
      field("weighted_power_error", &Errors::weighted_power_error, "sum_i u_i ||a_i - b_i||_p^p."));
  errors.def_prop_ro("relative_error", &Errors::relative_error, "||A - B||_F / ||A||_F.")
      .def_prop_ro("weighted_relative_error", &Errors::weighted_relative_error,
                   "||A - B|| / ||A|| in the weighted Frobenius norm.")
      .def_prop_ro("relative_lp_error", &Errors::relative_lp_error,
                   "||A - B|| / ||A|| in the weighted entrywise l_p norm.");

  m.def(
      "approximation_errors",
      [](const ArrayLike& a, const ArrayLike& b, const OptionalArray& row_weights, double norm_exponent) {
        const auto left = dense<float>(a, "a"), right = dense<float>(b, "b");
        const auto weights = vector(row_weights, "row_weights");
        const DenseRows exact(left.view()), approximation(right.view());
        return interruptible([&] { return approximation_errors(exact, approximation, weights.view(), norm_exponent); });
      },
      "a"_a, "b"_a, nb::kw_only(), "row_weights"_a = nb::none(), "norm_exponent"_a = Errors{}.norm_exponent,
      kErrorsDoc);
}

}  // namespace loewner::python
