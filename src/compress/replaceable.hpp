// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace loewner::detail {

/// Why --overwrite must not replace what lies at `target`: "it is a regular file". Empty if it may:
/// nothing is there, or an empty folder, or an output of compress, refit or expand.
std::string obstacle_to_replacing(const std::filesystem::path& target);

/// Joins the metadata of the weight files that expand writes: a mark by which obstacle_to_replacing()
/// recognizes the folder. It cannot be in config.json, which must equal the original's. transformers
/// refuses metadata without a format.
extern const std::map<std::string, std::string> kMetadataOfExpanded;

}  // namespace loewner::detail
