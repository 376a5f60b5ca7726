// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compress/part.hpp"
#include "loewner/base/progress.hpp"

namespace loewner {

/// What a caller tells of its calibration: of the whole model, and of tensors by name.
struct CalibrationRecord {
  const Json& of_model;
  const std::map<std::string, Json>& of_tensors;
};

/// Assembles the output in the stage: weights, other files, errors measured on the stored numbers,
/// configuration and model card. Tensors without a part are copied.
///
/// Errors    InvalidArgument when numbers do not fit their format, or the record names a tensor
///           without a part; IoError when a file cannot be
///           written.
CompressReport assemble(const Job& job, const std::vector<std::shared_ptr<const Part>>& parts,
                        const CalibrationRecord& calibration, const StagedFolder& staged,
                        const ProgressCallback& progress);

/// Bytes of all files in a folder.
Index folder_bytes(const std::filesystem::path& folder);

}  // namespace loewner
