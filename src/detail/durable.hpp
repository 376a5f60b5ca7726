// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace loewner::detail {

/// Copies a file to a path where none is and returns when it has reached the disk. IoError.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Renames, or exchanges the two when `to` exists; one step of the file system either way. IoError.
void rename_or_exchange(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace loewner::detail
