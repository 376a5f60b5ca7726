// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

namespace loewner {

/// Receives the current step and the finished fraction of the work, in [0, 1] and never decreasing.
/// Called on the calling thread. May be empty. To stop a computation, see cancellation.hpp.
using ProgressCallback = std::function<void(std::string_view what, double fraction)>;

}  // namespace loewner
