// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace loewner::detail {

/// The right to use a folder, which one process at a time has, or several that share it: a lock
/// (flock) on the file `lock` in the folder. The system releases it when the process ends.
class FolderLock {
 public:
  static constexpr const char* kFile = "lock";
  enum class Mode { alone, shared };

  FolderLock() = default;  ///< no lock
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

  /// Creates the folder if it does not exist, readable by its owner only, and locks it. The result
  /// has no lock if another run has it, unless both share it. On a file system without locks the
  /// result counts as locked.
  ///
  /// Errors    IoError when the folder or the file cannot be created.
  static FolderLock try_acquire(const std::filesystem::path& folder, Mode mode = Mode::alone);

  /// Whether this object has the lock and the folder still contains the locked file. It does not if
  /// somebody removed the folder.
  bool holds() const;

  /// Removes the lock file, removes the folder if that leaves it empty, and releases the lock. A
  /// shared lock leaves both to the others.
  void release() noexcept;

  /// The process that locked a folder: "process 12 on host"; empty if unknown.
  static std::string holder(const std::filesystem::path& folder);

 private:
  FolderLock(std::filesystem::path folder, int descriptor, Mode mode)
      : folder_(std::move(folder)), descriptor_(descriptor), mode_(mode) {}

  std::filesystem::path folder_;
  int descriptor_ = -1;
  Mode mode_ = Mode::alone;
};

}  // namespace loewner::detail
