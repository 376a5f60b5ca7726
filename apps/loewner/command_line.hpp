// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "exit_code.hpp"
#include "python_runner.hpp"
#include "streams.hpp"

namespace loewner::cli {

/// Runs `loewner ARGUMENTS` and returns an ExitCode.
///
/// `python` runs the commands of the Python package; without it they are refused with the line that
/// installs it.
/// Errors    none: every failure is one line on streams.err and an exit code.
int run(std::span<const std::string> arguments, const Streams& streams, const PythonRunner& python = {});

}  // namespace loewner::cli
