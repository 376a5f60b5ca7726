// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace loewner::cli {

/// Whether a path is the URL of a file or folder, such as s3://BUCKET/MODEL.
inline bool is_url(const std::filesystem::path& path) {
  return path.string().find("://") != std::string::npos;
}

}  // namespace loewner::cli
