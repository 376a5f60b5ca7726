// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace loewner::cli {

/// What `loewner --version` prints: version and commit, then the BLAS library and the kernels that
/// it chose.
std::string version_text();

/// The git commit that this build was configured at, with "-dirty" if files had changed; "unknown"
/// without git.
extern const char* const kBuildCommit;

}  // namespace loewner::cli
