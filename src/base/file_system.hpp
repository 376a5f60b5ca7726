// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace loewner::detail {

/// Copies a file to a path that does not exist yet, without a sync. IoError on failure.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Renames a folder. The new name must be free or an empty folder. IoError on failure.
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);

/// Exchanges the names of two folders atomically. IoError on failure.
void exchange_folders(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace loewner::detail
