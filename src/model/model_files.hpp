// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace loewner::detail {

/// The files of a model folder.
struct ModelFiles {
  std::vector<std::filesystem::path> files;  ///< sorted relative paths
  std::vector<std::string> skipped;          ///< entries that are not files, each with the reason
};

/// Lists the files below a folder, without .git and .cache, and at most `depth` folders deep. Links
/// to folders are followed unless they lead to a folder that contains the model.
///
/// Errors    IoError when a folder cannot be listed.
ModelFiles files_below(const std::filesystem::path& folder,
                       std::size_t depth = std::numeric_limits<std::size_t>::max());

/// Whether a file, by its relative path, holds weights of the whole model in a form that is not read:
/// another framework's weights, a training checkpoint or an optimizer's state; or a log of training.
/// Copying them would bring back the bytes that compression saves. Other weights in subfolders belong
/// to other modules.
bool is_unread_weight(const std::filesystem::path& file);

/// What a folder without config.json or without safetensors holds instead: "'model.onnx' is an ONNX
/// model". Empty if nothing is recognized.
std::string found_instead(const std::vector<std::filesystem::path>& files);

}  // namespace loewner::detail
