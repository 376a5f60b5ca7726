// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file_system.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what, int error) {
  throw IoError(path.string() + ": cannot " + what + ": " + std::generic_category().message(error));
}

// Repeats a call that a signal interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail(path, "examine", errno);
  return status;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

File::File(std::filesystem::path path, int flags) : path_(std::move(path)) {
  constexpr mode_t kReadableByAll = 0644;
  descriptor_ = uninterrupted([&] { return ::open(path_.c_str(), flags | O_CLOEXEC, kReadableByAll); });
  if (descriptor_ < 0) fail(path_, flags & O_CREAT ? "create" : "open", errno);
}

File File::open_for_reading(const std::filesystem::path& path) {
  File file(path, O_RDONLY | O_NONBLOCK);  // opening a named pipe would block before its kind can be checked
  if (!S_ISREG(status_of(file.descriptor_, path).st_mode)) throw IoError(path.string() + ": must be a regular file");
  return file;
}

File File::create(const std::filesystem::path& path) {
  return {path, O_WRONLY | O_CREAT | O_TRUNC};
}

File File::create_new(const std::filesystem::path& path) {
  return {path, O_WRONLY | O_CREAT | O_EXCL};
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Index File::size() const {
  return status_of(descriptor_, path_).st_size;
}

std::filesystem::perms File::permissions() const {
  constexpr mode_t kPermissions = 0777;
  return static_cast<std::filesystem::perms>(status_of(descriptor_, path_).st_mode & kPermissions);
}

void File::set_permissions(std::filesystem::perms permissions) {
  if (::fchmod(descriptor_, static_cast<mode_t>(permissions)) != 0) fail(path_, "set the permissions", errno);
}

void File::read_exact(Index offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const auto got = uninterrupted([&] { return ::pread(descriptor_, out.data(), out.size(), offset); });
    if (got < 0) fail(path_, "read", errno);
    if (got == 0)
      throw IoError(path_.string() + ": file ends at byte " + std::to_string(offset) + ", expected more data");
    offset += got;
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void File::will_need(Index offset, Index size) const {
  ::posix_fadvise(descriptor_, offset, size, POSIX_FADV_WILLNEED);
}

void File::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto put = uninterrupted([&] { return ::write(descriptor_, bytes.data(), bytes.size()); });
    if (put < 0) fail(path_, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void File::start_sync() {
  ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);  // 0, 0: the whole file
}

void File::sync() {
  if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) fail(path_, "sync", errno);
}

std::string read_text_file(const std::filesystem::path& path, Index max_bytes) {
  const File file = File::open_for_reading(path);
  const Index size = file.size();
  if (size > max_bytes) {
    throw IoError(path.string() + ": must have at most " + std::to_string(max_bytes) + " bytes, got " +
                  std::to_string(size));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read_exact(0, std::as_writable_bytes(std::span(text)));
  return text;
}

void sync_file(const std::filesystem::path& path) {
  File::open_for_reading(path).sync();
}

void sync_folder(const std::filesystem::path& folder) {
  const auto path = folder.empty() ? std::filesystem::path(".") : folder;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(path, "open", errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && error != EINVAL) fail(path, "sync", error);  // EINVAL: the file system has nothing to sync
}

void replace_file_by(const std::filesystem::path& path,
                     const std::function<void(const std::filesystem::path&)>& write) {
  // A name that no other file has: a file FILE.partial may be the user's.
  const auto temporary = path.parent_path() / (".loewner-" + random_name() + ".partial");
  try {
    write(temporary);
    std::error_code none;  // if there is no old file
    const auto old = std::filesystem::status(path, none);
    if (std::filesystem::is_regular_file(old)) {
      const auto mode = static_cast<mode_t>(old.permissions() & std::filesystem::perms::all);
      if (::chmod(temporary.c_str(), mode) != 0) fail(temporary, "set the permissions", errno);
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "replace", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder(path.parent_path());
}

void replace_file(const std::filesystem::path& path, std::string_view text) {
  replace_file_by(path, [&](const std::filesystem::path& temporary) {
    File file = File::create_new(temporary);
    file.write_all(bytes_of(text));
    file.sync();
  });
}

void write_user_file(const std::filesystem::path& path, std::string_view text) {
  std::error_code none;
  const auto status = std::filesystem::status(path, none);
  const bool of_system = path.string().starts_with("/dev/") || path.string().starts_with("/proc/");
  const bool replaces = !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
  if (replaces && !of_system) return replace_file(follow_links(path), text);
  File(path, O_WRONLY | O_APPEND).write_all(bytes_of(text));
}

}  // namespace loewner::detail
