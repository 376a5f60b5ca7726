// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

namespace loewner {

/// Told now and then, on the thread that called: what is being worked on and which share of the whole is done, in [0,
/// 1], never decreasing. May be empty. (To stop a computation, see cancellation.hpp.)
using ProgressCallback = std::function<void(std::string_view what, double fraction)>;

}  // namespace loewner
