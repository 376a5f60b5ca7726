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
/// Shapes    array: any number of rows and columns.
/// Method    computes the rows of a block of some 4 MiB in parallel, while the block before it is
///           written.
/// Cost      one pass over the array's rows.
/// Accuracy  the bytes of the array.
/// Errors    those of the array's rows and of SafetensorsWriter::write().
void write_array(const StoredArray& array, SafetensorsWriter& writer);

/// The declaration of an array in a safetensors header.
///
/// Shapes    result: rows x cols of the array.
/// Method    name, type and shape of the array.
/// Cost      O(1).
/// Accuracy  exact.
/// Errors    none.
TensorDeclaration declaration_of(const StoredArray& array);

/// Writes the weights of a checkpoint into `folder`, in the same shards and with an index if there
/// is one. Some tensors are replaced, all others are copied byte for byte. Files keep their
/// permissions; `added_metadata` joins the metadata in the headers. Returns the hashes of the
/// weight files by name (SafetensorsWriter::hash()).
///
/// Method    in each shard the tensors in the order of their data, with write_array() for the new
///           ones. Of many shards each thread writes its own; a few are written one after the
///           other, and their arrays are computed on all threads.
/// Cost      one pass over the files, with two blocks of an array in memory for each thread.
/// Errors    InvalidArgument when the name of a new array belongs to another tensor; IoError when a
///           file cannot be read or written.
std::map<std::string, std::string> rewrite_weights(const Checkpoint& checkpoint, const Replacements& replacements,
                                                   const std::filesystem::path& folder,
                                                   const ProgressCallback& progress,
                                                   const std::map<std::string, std::string>& added_metadata = {});

/// Copies files of the model, given by their relative paths, with their permissions. The folders
/// allow no more than those of the model. `renamed` maps relative paths to new ones; an empty new
/// path leaves the file out.
///
/// Method    one file after the other. Folders are made as needed.
/// Cost      one pass over the files.
/// Errors    IoError when a file cannot be read or written.
void copy_files(const Checkpoint& checkpoint, const std::vector<std::filesystem::path>& files,
                const std::map<std::string, std::string>& renamed, const std::filesystem::path& folder);

/// Relative paths of all files other than weights, index and config.json, with those that
/// compress() leaves out by default.
///
/// Method    Checkpoint::other_files(), then Checkpoint::unread_weights().
/// Cost      O(files); reads no file.
/// Errors    none.
std::vector<std::filesystem::path> all_other_files(const Checkpoint& checkpoint);

}  // namespace loewner
