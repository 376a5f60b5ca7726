// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/file.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_in_place(const fs::path& path) {
  throw IoError(path.string() + ": cannot be put in place: " + std::strerror(errno));
}

}  // namespace

void copy_file(const fs::path& from, const fs::path& to) {
  constexpr Index kBlock = Index{1} << 20;
  const File source = File::open_for_reading(from);
  File target = File::create(to);
  const Index size = source.size();
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlock, size)));
  for (Index offset = 0; offset < size; offset += kBlock) {
    const auto bytes = std::span(block).first(static_cast<std::size_t>(std::min(kBlock, size - offset)));
    source.read_exact(offset, bytes);
    target.write_all(bytes);
  }
}

void rename_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_in_place(to);
}

void exchange_folders(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) != 0) fail_in_place(to);
}

}  // namespace loewner::detail
