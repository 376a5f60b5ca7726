// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <span>
#include <string>

namespace loewner::cli {

/// Exit codes; documented in docs/command-line.md and relied on by scripts.
enum ExitCode : int {
  done = 0,
  usage = 2,          ///< the arguments
  bad_input = 3,      ///< a file: missing, broken, unreadable, not writable
  budget = 4,         ///< the bytes or the error asked for cannot be met
  claim_failed = 5,   ///< verify: a stored claim does not hold
  interrupted = 130,  ///< Ctrl-C
};

/// Runs `loewner ARGUMENTS`: tables to `out`, messages and progress to `err`. Never throws; returns an ExitCode.
int run(std::span<const std::string> arguments, std::ostream& out, std::ostream& err);

}  // namespace loewner::cli
