// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "choice.hpp"
#include "loewner/base/status.hpp"
#include "results.hpp"

namespace loewner::python {

void bind_reports(nb::module_& m) {
  bind_choice<Status>(
      m, "Status", "Why an iterative solver stopped. The result is usable in every case.",
      {{"converged", Status::converged, "The stopping rule is met."},
       {"max_iterations", Status::max_iterations, "The iteration limit is reached; the result is the best iterate."},
       {"stalled", Status::stalled, "Rounding prevents a further decrease."},
       {"breakdown", Status::breakdown, "A step cannot be computed; the result is the last good iterate."}});
  bind_result<FitReport>(m, "FitReport", "The convergence report of an iterative solver.",
                         field("status", &FitReport::status, "Why the solver stopped."),
                         field("iterations", &FitReport::iterations, "Iterations done."),
                         field("initial_objective", &FitReport::initial_objective, "Objective at the start."),
                         field("final_objective", &FitReport::final_objective, "Objective of the result."),
                         field("detail", &FitReport::detail, "Explanation; may be empty."));
}

}  // namespace loewner::python
