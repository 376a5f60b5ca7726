// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace loewner {

/// The reason why an iterative solver ended. The result is usable after each of them.
enum class Status {
  converged,       ///< the stopping rule of the options was met
  max_iterations,  ///< the iteration limit was reached first; the best iterate is returned
  stalled,         ///< no further decrease is possible in floating point
  breakdown,       ///< a step could not be computed: `detail` says why; the last good iterate is
                   ///< returned
};

/// The name of a status, as its enumerator.
///
/// Errors    none.
std::string_view to_string(Status status);

/// The report of an iterative fit. The solver's documentation states the units of the objectives.
struct FitReport {
  Status status = Status::converged;
  int iterations = 0;
  double initial_objective = 0;
  double final_objective = 0;
  std::string detail;
};

}  // namespace loewner
