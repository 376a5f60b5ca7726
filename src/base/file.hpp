// SPDX-License-Identifier: Apache-2.0
#pragma once

// Files by descriptor. Every failure is an IoError "<path>: cannot <what>: <the system's reason>".

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// An open regular file; closed with the object.
class File {
 public:
  static File open_for_reading(const std::filesystem::path& path);
  static File create(const std::filesystem::path& path);  ///< empties a file that is there
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  const std::filesystem::path& path() const { return path_; }
  Index size() const;

  /// Fills `out` from the file's bytes at `offset`; IoError when the file ends before. Safe from several threads.
  void read_exact(Index offset, std::span<std::byte> out) const;

  /// Asks the system to fetch a part of the file from now on; nothing depends on whether it does.
  void will_need(Index offset, Index size) const;

  /// Appends all bytes.
  void write_all(std::span<const std::byte> bytes);

  /// Asks the system to begin with bringing what was written to the disk; nothing depends on whether it does.
  void start_sync();

  /// Returns when everything written has reached the disk.
  void sync();

 private:
  File(std::filesystem::path path, int flags);

  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// The whole of a file of at most max_bytes; IoError when it is longer.
std::string read_text_file(const std::filesystem::path& path, Index max_bytes);

/// Returns when a file that was written before has reached the disk.
void sync_file(const std::filesystem::path& path);

/// Returns when the names in a folder (new files, renamed ones) have reached the disk.
void sync_folder(const std::filesystem::path& folder);

/// Writes a file so that at any time either its old contents or all of the new are there, also after a power cut.
void replace_file(const std::filesystem::path& path, std::string_view text);

}  // namespace loewner::detail
