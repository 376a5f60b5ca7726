// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/staged_folder.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) throw IoError(path.string() + ": cannot remove: " + error.message());
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw IoError(path.string() + ": cannot create the folder: " + error.message());
}

// "out" and "out/" name the same target.
fs::path normal_target(const fs::path& target) {
  const fs::path path = fs::absolute(target).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

fs::path stage_of(const fs::path& target) {
  fs::path stage = target;
  stage += ".partial";
  return stage;
}

bool is_empty_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_empty(path, error) || error;
}

bool contains(const fs::path& folder, const fs::path& path) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

}  // namespace

void require_apart(const fs::path& model, const fs::path& output) {
  const fs::path a = fs::weakly_canonical(normal_target(model)), b = fs::weakly_canonical(normal_target(output));
  require(!contains(a, b) && !contains(b, a), [&] {
    return output.string() +
           ": the output must not be the model folder, contain it or lie in it; the model folder is " + model.string();
  });
}

StagedFolder::StagedFolder(const fs::path& target, const std::string& fingerprint, IfExists if_exists)
    : target_(normal_target(target)),
      stage_(stage_of(target_)),
      folder_(stage_ / "folder"),
      parts_(stage_ / "parts"),
      unfinished_(stage_ / "unfinished"),
      if_exists_(if_exists) {
  if (!fs::is_directory(target_.parent_path())) {
    throw IoError(target_.parent_path().string() + ": the output's parent folder does not exist");
  }
  if (fs::exists(target_) && if_exists_ != IfExists::overwrite) {
    throw IoError(target_.string() + ": already exists; choose another output or overwrite it (--overwrite)");
  }
  if (fs::exists(stage_)) {
    if (if_exists_ == IfExists::refuse) {
      throw IoError(stage_.string() +
                    ": holds an unfinished output; resume it (--resume) or overwrite it (--overwrite)");
    }
    if (if_exists_ == IfExists::resume && fs::exists(stage_ / "state.json")) {
      require_same_work(fingerprint);
      remove_tree(folder_);  // it is assembled again from the finished parts
      make_folder(folder_);
      return;
    }
    remove_tree(stage_);
  }
  begin(fingerprint);
}

StagedFolder::~StagedFolder() {
  if (!published_) remove_stage();
}

void StagedFolder::remove_stage() const noexcept {
  std::error_code ignored;  // a destructor cannot report a failure
  const bool keep = keep_parts_ && !is_empty_folder(parts_);
  for (const auto& path : keep ? std::vector{folder_, unfinished_} : std::vector{stage_}) fs::remove_all(path, ignored);
}

void StagedFolder::begin(const std::string& fingerprint) {
  try {
    make_folder(parts_);
    make_folder(folder_);
    detail::replace_file(stage_ / "state.json", Json{{"fingerprint", fingerprint}}.dump());
    detail::sync_folder(stage_);
  } catch (const IoError&) {
    remove_stage();  // the constructor failed, so no destructor runs
    throw;
  }
}

void StagedFolder::require_same_work(const std::string& fingerprint) const {
  const fs::path path = stage_ / "state.json";
  const Json state = parse_json_object(detail::read_text_file(path, Index{1} << 20), path.string());
  if (state.value("fingerprint", "") != fingerprint) {
    throw IoError(stage_.string() +
                  ": was started from another model or with other options; overwrite it (--overwrite) or remove it");
  }
}

bool StagedFolder::has_part(const std::string& name) const {
  return fs::exists(part(name));
}

void StagedFolder::make_part(const std::string& name, const std::function<void(const fs::path&)>& fill) const {
  remove_tree(unfinished_);  // of a run that was killed
  make_folder(unfinished_);
  fill(unfinished_);
  detail::sync_folder(unfinished_);
  detail::rename_folder(unfinished_, part(name));
  detail::sync_folder(parts_);
}

void StagedFolder::remove_leftovers(const fs::path& target) {
  remove_tree(stage_of(normal_target(target)));
}

void StagedFolder::publish() {
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    (entry.is_directory() ? detail::sync_folder : detail::sync_file)(entry.path());
  }
  detail::sync_folder(folder_);
  // A target that was created during this run belongs to another process: the rename then fails.
  const bool exchange = if_exists_ == IfExists::overwrite && fs::exists(target_);
  (exchange ? detail::exchange_folders : detail::rename_folder)(folder_, target_);
  detail::sync_folder(target_.parent_path());
  published_ = true;
  remove_tree(stage_);  // with the old target in it, if there was one
}

}  // namespace loewner
