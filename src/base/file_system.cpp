// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_in_place(const fs::path& path) {
  throw IoError(path.string() + ": cannot be put in place: " + std::strerror(errno));
}

fs::perms permissions_of(const fs::path& path) {
  std::error_code error;
  const fs::perms permissions = fs::status(path, error).permissions();
  if (error) throw IoError(path.string() + ": cannot examine: " + error.message());
  return permissions;
}

// Set-user-id, set-group-id and sticky bit stay as they are.
void set_permissions(const fs::path& path, fs::perms permissions) {
  const fs::perms special = permissions_of(path) & ~fs::perms::all & fs::perms::mask;
  std::error_code error;
  fs::permissions(path, permissions | special, error);
  if (error) throw IoError(path.string() + ": cannot set the permissions: " + error.message());
}

}  // namespace

void copy_file(const fs::path& from, const fs::path& to) {
  constexpr Index kBlock = Index{1} << 20;
  const File source = File::open_for_reading(from);
  File target = File::create_new(to);
  target.set_permissions(source.permissions());
  const Index size = source.size();
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlock, size)));
  for (Index offset = 0; offset < size; offset += kBlock) {
    const auto bytes = std::span(block).first(static_cast<std::size_t>(std::min(kBlock, size - offset)));
    source.read_exact(offset, bytes);
    target.write_all(bytes);
  }
}

void copy_permissions(const fs::path& from, const fs::path& to) {
  set_permissions(to, permissions_of(from) & fs::perms::all);
}

void limit_folder_permissions(const fs::path& from, const fs::path& to) {
  set_permissions(to, (permissions_of(from) & permissions_of(to) & fs::perms::all) | fs::perms::owner_all);
}

fs::path follow_links(const fs::path& path) {
  constexpr int kMostLinks = 40;  // as Linux
  fs::path target = path;
  std::error_code none;
  for (int i = 0; fs::is_symlink(fs::symlink_status(target, none)); ++i) {
    if (i == kMostLinks) throw IoError(path.string() + ": too many symbolic links");
    target = target.parent_path() / fs::read_symlink(target);
  }
  return target;
}

std::string random_name() {
  std::random_device device;
  std::string name;
  for (int i = 0; i < 16; ++i) name += "0123456789abcdef"[device() % 16];
  return name;
}

bool is_mount_point(const fs::path& folder) {
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx status {};
  return ::statx(AT_FDCWD, folder.c_str(), 0, STATX_BASIC_STATS, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  struct stat inside {
  }, outside{};
  return ::stat(folder.c_str(), &inside) == 0 && ::stat((folder / "..").c_str(), &outside) == 0 &&
         inside.st_dev != outside.st_dev;
#endif
}

void rename_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_in_place(to);
}

void replace_folder(const fs::path& from, const fs::path& to, const fs::path& spare) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) fail_in_place(to);
  replace_folder_by_renames(from, to, spare);
}

void replace_folder_by_renames(const fs::path& from, const fs::path& to, const fs::path& spare) {
  rename_folder(to, spare);
  try {
    rename_folder(from, to);
  } catch (const IoError&) {
    rename_folder(spare, to);
    throw;
  }
}

}  // namespace loewner::detail
