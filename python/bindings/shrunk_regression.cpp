// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/shrunk_regression.hpp"

#include <nanobind/stl/optional.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_shrunk_regression(nb::module_& m) {
  nb::class_<ShrunkRegression> result(m, "ShrunkRegression", "A correction fitted to some rows of a known design.");
  def_array(result, "x", &ShrunkRegression::x, "k x t; 0 where no fit would help");
  result.def_ro("shrinkage", &ShrunkRegression::shrinkage, "lambda; infinity where x = 0")
      .def_ro("estimated_ratio", &ShrunkRegression::estimated_ratio,
              "of what x leaves of all rows, drawn or not, to what x = 0 leaves");

  const ShrunkRegressionOptions defaults;
  m.def(
      "shrunk_regression",
      [](const MatrixArg<double>& a, const MatrixArg<double>& b, const MatrixArg<double>& metric, double norm_exponent,
         const OptionalWeights& row_weights, const OptionalWeights& probabilities, int folds, std::uint64_t seed) {
        const ShrunkRegressionOptions options{norm_exponent, view_of(row_weights), view_of(probabilities), folds, seed};
        const auto design = view_of(a), targets = view_of(b), norm = view_of(metric);
        return interruptible([&] { return shrunk_regression(design, targets, norm, options); });
      },
      "a"_a.noconvert(), "b"_a.noconvert(), "metric"_a.noconvert(), nb::kw_only(),
      "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a.noconvert() = nb::none(),
      "probabilities"_a.noconvert() = nb::none(), "folds"_a = defaults.folds, "seed"_a = defaults.seed,
      "min over x of sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|^p, L^T L = metric, with the lambda that "
      "leaves\n"
      "least on all rows of the design, of which row i was drawn with probability q_i.\n\n"
      "a: m x k; b: m x t, what is left to correct; metric: k x k, of the whole design: Q of lewis_weights.");
}

}  // namespace loewner::python
