// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/codec/stored_array.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/model/safetensors_writer.hpp"

namespace loewner {

/// What stands in place of a tensor: arrays under their full names, or none to leave it out.
using Replacements = std::map<std::string, std::vector<StoredArray>, std::less<>>;

/// Computes an array by blocks of rows and appends it to a file, in bounded memory.
void write_array(const StoredArray& array, SafetensorsWriter& writer);

/// How an array is declared in a safetensors header.
TensorDeclaration declaration_of(const StoredArray& array);

/// Writes the weights of a checkpoint into `folder`, sharded as they are, with some tensors replaced and all others
/// copied byte for byte, and the index when there is one. InvalidArgument when a name of a replacement is taken by
/// another tensor.
void rewrite_weights(const Checkpoint& checkpoint, const Replacements& replacements,
                     const std::filesystem::path& folder, const ProgressCallback& progress);

/// Copies the files beside weights, index and config.json; `renamed` maps relative paths to new ones (empty: left out).
void copy_other_files(const Checkpoint& checkpoint, const std::map<std::string, std::string>& renamed,
                      const std::filesystem::path& folder);

}  // namespace loewner
