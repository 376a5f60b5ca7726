// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compress/part.hpp"
#include "loewner/base/progress.hpp"

namespace loewner {

/// Assembles the output in the stage: weights, other files, errors measured on the stored numbers,
/// configuration and model card. `parts` are in the order of the selected tensors.
///
/// Errors    InvalidArgument when numbers do not fit their format; IoError when a file cannot be
///           written.
CompressReport assemble(const Job& job, const std::vector<Part>& parts, const StagedFolder& staged,
                        const ProgressCallback& progress);

/// Bytes of all files in a folder.
Index folder_bytes(const std::filesystem::path& folder);

}  // namespace loewner
