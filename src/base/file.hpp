// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files by descriptor. Every failure is an IoError "<path>: cannot <action>: <reason of the system>".

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// An open regular file; the destructor closes it.
class File {
 public:
  static File open_for_reading(const std::filesystem::path& path);
  static File create(const std::filesystem::path& path);      ///< truncates an existing file
  static File create_new(const std::filesystem::path& path);  ///< refuses an existing file
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  const std::filesystem::path& path() const { return path_; }
  Index size() const;

  /// The permission bits, without set-user-id, set-group-id and sticky bit.
  std::filesystem::perms permissions() const;
  void set_permissions(std::filesystem::perms permissions);

  /// Reads out.size() bytes at `offset`; IoError when the file ends earlier. Safe from several threads.
  void read_exact(Index offset, std::span<std::byte> out) const;

  /// Asks the system to prefetch a part of the file. A hint only.
  void will_need(Index offset, Index size) const;

  /// Appends all bytes.
  void write_all(std::span<const std::byte> bytes);

  /// Asks the system to start writing pending data to the disk. A hint only.
  void start_sync();

  /// Returns when all written data have reached the disk.
  void sync();

 private:
  File(std::filesystem::path path, int flags);
  friend void write_user_file(const std::filesystem::path& path, std::string_view text);

  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// The contents of a file; IoError when it has more than max_bytes bytes.
std::string read_text_file(const std::filesystem::path& path, Index max_bytes);

/// Returns when the data of a closed file have reached the disk.
void sync_file(const std::filesystem::path& path);

/// Returns when the entries of a folder (new and renamed files) have reached the disk.
void sync_folder(const std::filesystem::path& folder);

/// Replaces a file atomically by one that `write` writes durably under another name in the same folder. An old file
/// passes on its permissions; after a failure it is as it was.
void replace_file_by(const std::filesystem::path& path,
                     const std::function<void(const std::filesystem::path& unfinished)>& write);

/// Replaces a file atomically: after a failure, a crash or a power cut it has either the old or the new contents. An
/// old file passes on its permissions.
void replace_file(const std::filesystem::path& path, std::string_view text);

/// Writes a file that a user named. A regular file, or the one that a symbolic link names, is replaced atomically; the
/// text is written into anything else that can be opened for writing, such as a pipe.
void write_user_file(const std::filesystem::path& path, std::string_view text);

}  // namespace loewner::detail
