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

/// For each replaced tensor the arrays that take its place, under their full names; none: it is
/// left out.
using Replacements = std::map<std::string, std::vector<StoredArray>, std::less<>>;

/// Computes an array by blocks of rows and appends it to a file, in bounded memory.
///
/// Cost      one pass over the array's rows.
/// Errors    those of the array's rows and of SafetensorsWriter::write().
void write_array(const StoredArray& array, SafetensorsWriter& writer);

/// The declaration of an array in a safetensors header.
///
/// Errors    none.
TensorDeclaration declaration_of(const StoredArray& array);

/// Writes the weights of a checkpoint into `folder`, in the same shards and with an index if there
/// is one. Some tensors are replaced, all others are copied byte for byte.
///
/// Cost      one pass over the files, in bounded memory.
/// Errors    InvalidArgument when the name of a new array belongs to another tensor; IoError when a
///           file cannot be read or written.
void rewrite_weights(const Checkpoint& checkpoint, const Replacements& replacements,
                     const std::filesystem::path& folder, const ProgressCallback& progress);

/// Copies all files other than weights, index and config.json. `renamed` maps relative paths to new
/// ones; an empty new path leaves the file out.
///
/// Errors    IoError when a file cannot be read or written.
void copy_other_files(const Checkpoint& checkpoint, const std::map<std::string, std::string>& renamed,
                      const std::filesystem::path& folder);

}  // namespace loewner
