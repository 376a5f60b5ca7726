// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "loewner/base/status.hpp"

namespace loewner::python {

namespace nb = nanobind;

void bind_reports(nb::module_& m) {
  nb::enum_<Status>(m, "Status", "Why an iterative solver stopped. The result is usable in every case.")
      .value("converged", Status::converged, "the stopping rule is met")
      .value("max_iterations", Status::max_iterations, "the iteration limit is reached; the result is the best iterate")
      .value("stalled", Status::stalled, "rounding prevents a further decrease")
      .value("breakdown", Status::breakdown, "a step cannot be computed; the result is the last good iterate");
  nb::class_<FitReport>(m, "FitReport", "The convergence report of an iterative solver.")
      .def_ro("status", &FitReport::status, "Why the solver stopped.")
      .def_ro("iterations", &FitReport::iterations, "Iterations done.")
      .def_ro("initial_objective", &FitReport::initial_objective, "Objective at the start.")
      .def_ro("final_objective", &FitReport::final_objective, "Objective of the result.")
      .def_ro("detail", &FitReport::detail, "Explanation; may be empty.");
}

}  // namespace loewner::python
