// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace loewner::detail {

/// Copies a file and its permissions to a path that does not exist yet, without a sync. IoError on failure.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Gives a file the permissions of another one. IoError on failure.
void copy_permissions(const std::filesystem::path& from, const std::filesystem::path& to);

/// Takes from a folder the permissions that another one does not have. Its owner keeps all, so that the folder can be
/// completed and removed. IoError on failure.
void limit_folder_permissions(const std::filesystem::path& from, const std::filesystem::path& to);

/// The path that symbolic links in the last component lead to, which need not exist. IoError for a loop of links.
std::filesystem::path follow_links(const std::filesystem::path& path);

/// 16 random hexadecimal digits, for names of temporary files.
std::string random_name();

/// Whether another file system, or another part of one, is mounted at the folder: it cannot be renamed.
bool is_mount_point(const std::filesystem::path& folder);

/// Renames a folder. The new name must be free or an empty folder. IoError on failure.
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);

/// Puts folder `from` in the place of folder `to` by one exchange of names. The old folder is then at `from`. On a file
/// system that cannot do this, two renames move the old folder to `spare`; a crash between them leaves it there. IoError
/// on failure; the old folder is then in its place.
void replace_folder(const std::filesystem::path& from, const std::filesystem::path& to,
                    const std::filesystem::path& spare);

/// replace_folder() by two renames.
void replace_folder_by_renames(const std::filesystem::path& from, const std::filesystem::path& to,
                               const std::filesystem::path& spare);

}  // namespace loewner::detail
