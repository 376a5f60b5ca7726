// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner::cli {

/// Exit codes; documented in docs/command-line.md and relied on by scripts.
enum ExitCode : int {
  done = 0,
  usage = 2,         ///< the arguments are wrong
  bad_input = 3,     ///< a file is missing, broken, unreadable or cannot be written
  budget = 4,        ///< no encoding meets the requested bytes or error
  not_verified = 5,  ///< verify: verification failed
  interrupted = 130  ///< Ctrl-C or SIGTERM
};

}  // namespace loewner::cli
