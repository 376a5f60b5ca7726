// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/lp_error.hpp"

#include <nanobind/stl/optional.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_lp_error(nb::module_& m) {
  nb::class_<ApproximationErrors>(m, "ApproximationErrors", "Sums over the entries of A and of A - B.")
      .def_ro("norm_exponent", &ApproximationErrors::norm_exponent)
      .def_ro("squared_norm", &ApproximationErrors::squared_norm)
      .def_ro("squared_error", &ApproximationErrors::squared_error)
      .def_ro("weighted_squared_norm", &ApproximationErrors::weighted_squared_norm)
      .def_ro("weighted_squared_error", &ApproximationErrors::weighted_squared_error)
      .def_ro("weighted_power_norm", &ApproximationErrors::weighted_power_norm)
      .def_ro("weighted_power_error", &ApproximationErrors::weighted_power_error)
      .def_prop_ro("relative_error", &ApproximationErrors::relative_error, "in the Frobenius norm")
      .def_prop_ro("weighted_relative_error", &ApproximationErrors::weighted_relative_error)
      .def_prop_ro("relative_lp_error", &ApproximationErrors::relative_lp_error, "in the weighted entrywise l_p norm");
  m.def(
      "approximation_errors",
      [](const MatrixArg<float>& a, const MatrixArg<float>& b, const OptionalWeights& row_weights,
         double norm_exponent) {
        const DenseRows exact(view_of(a)), approximation(view_of(b));
        return interruptible(
            [&] { return approximation_errors(exact, approximation, view_of(row_weights), norm_exponent); });
      },
      "a"_a.noconvert(), "b"_a.noconvert(), nb::kw_only(), "row_weights"_a.noconvert() = nb::none(),
      "norm_exponent"_a = ApproximationErrors{}.norm_exponent,
      "All errors of B as an approximation of A, both n x d, in one pass over both.");
}

}  // namespace loewner::python
