// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compress/part.hpp"
#include "loewner/base/progress.hpp"

namespace loewner {

/// Puts the output together in the stage: weights, other files, the errors measured on the stored
/// numbers, configuration and model card. `parts` holds one part for each selected tensor, in that
/// order.
///
/// Errors    InvalidArgument when numbers do not fit their format; IoError when something cannot be
///           written.
CompressReport assemble(const Job& job, const std::vector<Part>& parts, const StagedFolder& staged,
                        const ProgressCallback& progress);

/// Bytes of all files in a folder.
Index folder_bytes(const std::filesystem::path& folder);

}  // namespace loewner
