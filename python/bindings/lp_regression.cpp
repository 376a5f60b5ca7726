// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/lp_regression.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_lp_regression(nb::module_& m) {
  nb::class_<RobustRegression> result(m, "RobustRegression", "Regressions on one design, one per column of b.");
  def_array(result, "x", &RobustRegression::x, "d x t");
  def_array(result, "objectives", &RobustRegression::objectives, "t values, recomputed from x and a");
  def_array(result, "lower_bounds", &RobustRegression::lower_bounds, "t values: no x has a smaller objective");
  result.def_ro("statuses", &RobustRegression::statuses, "t values")
      .def_ro("rank", &RobustRegression::rank, "numerical rank of the rows with weight")
      .def_ro("iterations", &RobustRegression::iterations, "the most that a column took")
      .def_prop_ro("converged", &RobustRegression::converged, "all columns did");

  const LpRegressionOptions defaults;
  m.def(
      "lp_regression",
      [](const RealMatrixArg& a, const TargetsArg& b, double norm_exponent, const OptionalWeights& row_weights,
         double tolerance, int max_iterations) {
        const LpRegressionOptions options{norm_exponent, view_of(row_weights), tolerance, max_iterations};
        const auto right = view_of(b);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return lp_regression(rows, right, options); });
        });
      },
      "a"_a.noconvert(), "b"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent,
      "row_weights"_a.noconvert() = nb::none(), "tolerance"_a = defaults.tolerance,
      "max_iterations"_a = defaults.max_iterations,
      "min over x of (sum_i u_i |a_i^T x - b_ij|^p)^(1/p) for every column j of b, with a lower bound of each minimum; "
      "for\n"
      "p = infinity max_i u_i |a_i^T x - b_ij|.\n\n"
      "a: n x d; b: n x t or n values; norm_exponent: p >= 1, math.inf too; row_weights: u, n values >= 0, all ones if "
      "None;\n"
      "tolerance: of the duality gap, relative to the objective. The same bits for any number of threads.");

  const HuberRegressionOptions huber;
  m.def(
      "huber_regression",
      [](const RealMatrixArg& a, const TargetsArg& b, double scale, const OptionalWeights& row_weights,
         double tolerance, int max_iterations) {
        const HuberRegressionOptions options{scale, view_of(row_weights), tolerance, max_iterations};
        const auto right = view_of(b);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return huber_regression(rows, right, options); });
        });
      },
      "a"_a.noconvert(), "b"_a, "scale"_a, nb::kw_only(), "row_weights"_a.noconvert() = nb::none(),
      "tolerance"_a = huber.tolerance, "max_iterations"_a = huber.max_iterations,
      "min over x of sum_i u_i rho(a_i^T x - b_ij) for every column j of b, rho the Huber loss: r^2/2 for |r| <= "
      "scale,\n"
      "scale (|r| - scale/2) beyond.");
}

}  // namespace loewner::python
