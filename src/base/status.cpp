// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/status.hpp"

namespace loewner {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::converged:
      return "converged";
    case Status::max_iterations:
      return "max_iterations";
    case Status::stalled:
      return "stalled";
    case Status::breakdown:
      return "breakdown";
  }
  return "unknown";
}

}  // namespace loewner
