// SPDX-License-Identifier: Apache-2.0
#include "compress/replaceable.hpp"

#include <algorithm>
#include <system_error>

#include "base/file_system.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "model/config_file.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

constexpr const char *kMark = "loewner", *kMarkValue = "expand";

std::string name_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::regular:
      return "a regular file";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    case fs::file_type::fifo:
      return "a named pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "not a folder";
  }
}

// An output stays recognizable if its weights are broken: only its configuration is read.
bool is_encoded(const fs::path& folder) try {
  const fs::path file = folder / "config.json";
  return quantization_method_in(parse_config(read_config_text(file), file.string())) == kQuantizationMethod;
} catch (const IoError&) {
  return false;
}

bool is_expanded(const fs::path& folder) try {
  const Checkpoint checkpoint = Checkpoint::open(folder);
  return std::ranges::all_of(checkpoint.shards(), [](const Shard& shard) {
    const auto mark = shard.file->metadata().find(kMark);
    return mark != shard.file->metadata().end() && mark->second == kMarkValue;
  });
} catch (const IoError&) {
  return false;
}

}  // namespace

const std::map<std::string, std::string> kMetadataOfExpanded = {{"format", "pt"}, {kMark, kMarkValue}};

std::string obstacle_to_replacing(const fs::path& target) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(target, error);
  if (status.type() == fs::file_type::not_found) return "";
  if (status.type() != fs::file_type::directory) return "it is " + name_of(status.type());
  if (is_mount_point(target)) return "a file system is mounted there, choose a new folder in it";
  const fs::directory_iterator entries(target, error);
  if (error) return "it cannot be listed: " + error.message();
  if (entries == fs::directory_iterator() || is_encoded(target) || is_expanded(target)) return "";
  return "it is a folder that loewner did not write, with the file or folder '" + entries->path().filename().string() +
         "'";
}

}  // namespace loewner::detail
