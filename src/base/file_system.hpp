// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace loewner::detail {

/// Copies a file to a path where none is; nothing is made durable. IoError.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Gives a folder a name that no file and no folder with anything in it has. IoError.
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);

/// Exchanges the names of two folders in one step of the file system. IoError.
void exchange_folders(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace loewner::detail
