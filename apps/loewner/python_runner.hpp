// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "loewner/model/json.hpp"

namespace loewner::cli {

/// Runs a command of the Python package with its parsed options and returns its exit code.
using PythonRunner = std::function<int(const std::string& command, const Json& options)>;

}  // namespace loewner::cli
