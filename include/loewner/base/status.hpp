// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace loewner {

/// How an iterative solver ended. Its result is usable after each of these.
enum class Status {
  converged,       ///< the stopping rule of the options was met
  max_iterations,  ///< the iteration limit came first; the best iterate is returned
  stalled,         ///< no further decrease is possible in floating point
  breakdown,       ///< a step could not be computed; the last good iterate is returned and `detail` says why
};

std::string_view to_string(Status status);

/// What an iterative fit reports besides its result. Objectives are in the units of the solver's documentation.
struct FitReport {
  Status status = Status::converged;
  int iterations = 0;
  double initial_objective = 0;
  double final_objective = 0;
  std::string detail;
};

}  // namespace loewner
