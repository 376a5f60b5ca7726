// SPDX-License-Identifier: Apache-2.0
#include "base/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/file.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kFolderMode = 0700, kLockMode = 0600;

[[noreturn]] void fail_at(const fs::path& path, const std::string& what) {
  throw IoError(path.string() + ": cannot " + what + ": " + std::generic_category().message(errno));
}

bool is_same_file(int descriptor, const fs::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

// For the message of a run that is refused. A failure to write it does no harm.
void write_holder(int descriptor) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string text = "process " + std::to_string(::getpid()) + " on " + host.data();
  if (::ftruncate(descriptor, 0) != 0) return;
  [[maybe_unused]] const auto written = ::pwrite(descriptor, text.data(), text.size(), 0);
}

enum class Attempt { locked, taken };

Attempt lock(int descriptor, FolderLock::Mode mode) {
  const int kind = mode == FolderLock::Mode::shared ? LOCK_SH : LOCK_EX;
  while (::flock(descriptor, kind | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Attempt::taken;
    if (errno != EINTR) return Attempt::locked;  // the file system has no locks
  }
  return Attempt::locked;
}

}  // namespace

FolderLock::FolderLock(FolderLock&& other) noexcept
    : folder_(std::move(other.folder_)), descriptor_(std::exchange(other.descriptor_, -1)), mode_(other.mode_) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(mode_, other.mode_);
  return *this;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FolderLock FolderLock::try_acquire(const fs::path& folder, Mode mode) {
  const fs::path file = folder / kFile;
  for (;;) {
    if (::mkdir(folder.c_str(), kFolderMode) != 0 && errno != EEXIST) fail_at(folder, "create the folder");
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode);
    if (descriptor < 0 && errno == ENOENT && !fs::is_symlink(folder)) continue;  // removed since mkdir
    if (descriptor < 0) {
      const int error = errno;
      ::rmdir(folder.c_str());  // fails unless the folder is empty
      errno = error;
      fail_at(file, "open");
    }
    FolderLock result(folder, descriptor, mode);
    if (lock(descriptor, mode) == Attempt::taken) return {};
    // The run that had the lock may have removed the file between open and flock.
    if (!is_same_file(descriptor, file)) continue;
    write_holder(descriptor);
    return result;
  }
}

bool FolderLock::holds() const {
  return descriptor_ >= 0 && is_same_file(descriptor_, folder_ / kFile);
}

void FolderLock::release() noexcept {
  if (descriptor_ < 0) return;
  if (mode_ == Mode::alone && holds()) {
    ::unlink((folder_ / kFile).c_str());
    ::rmdir(folder_.c_str());  // fails if another run has begun there
  }
  ::close(std::exchange(descriptor_, -1));
}

std::string FolderLock::holder(const fs::path& folder) {
  try {
    return read_text_file(folder / kFile, 1024);
  } catch (const IoError&) {
    return "";
  }
}

}  // namespace loewner::detail
