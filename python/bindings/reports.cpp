// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>

#include "bindings.hpp"
#include "loewner/base/status.hpp"

namespace loewner::python {

namespace nb = nanobind;

void bind_reports(nb::module_& m) {
  nb::enum_<Status>(m, "Status", "How an iterative solver ended; its result is usable after each of these.")
      .value("converged", Status::converged, "the stopping rule was met")
      .value("max_iterations", Status::max_iterations, "the iteration limit came first; the best iterate is returned")
      .value("stalled", Status::stalled, "no further decrease is possible in floating point")
      .value("breakdown", Status::breakdown, "a step could not be computed; the last good iterate is returned");
  nb::class_<FitReport>(m, "FitReport", "What an iterative fit reports besides its result.")
      .def_ro("status", &FitReport::status)
      .def_ro("iterations", &FitReport::iterations)
      .def_ro("initial_objective", &FitReport::initial_objective)
      .def_ro("final_objective", &FitReport::final_objective)
      .def_ro("detail", &FitReport::detail);
}

}  // namespace loewner::python
