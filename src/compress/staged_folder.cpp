// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/staged_folder.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "base/folder_lock.hpp"
#include "base/spare_descriptors.hpp"
#include "compress/replaceable.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

// Names in the stage. Those of the folders that a run writes begin with the given text and end in
// random digits: a run whose stage was taken away cannot write into the stage of the next one.
constexpr const char *kState = "state.json", *kParts = "parts", *kClaims = "claims", *kReplaced = "replaced";
constexpr std::string_view kFolder = "folder", kUnfinished = "unfinished", kTemporary = ".loewner-";

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

// "out" and "out/" name the same target. A symbolic link stands for the folder that it names.
fs::path normal_target(const fs::path& target) {
  const fs::path path = fs::absolute(target).lexically_normal();
  return detail::follow_links(path.has_filename() ? path : path.parent_path());
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

bool is_named(const std::string& name, std::string_view start) {
  return name.starts_with(start) && (name.size() == start.size() || name[start.size()] == '-');
}

bool is_name_in_stage(const std::string& name) {
  return name == detail::FolderLock::kFile || name == kState || name == kParts || name == kClaims ||
         name == kReplaced || name == "state.json.partial" || is_named(name, kFolder) || is_named(name, kUnfinished) ||
         name.starts_with(kTemporary);
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error))
    names.insert(entry->path().filename().string());
  // Another run may be removing the folder.
  if (error && error != std::errc::no_such_file_or_directory)
    throw IoError(folder.string() + ": cannot list: " + error.message());
  return names;
}

// The stage must be a folder that a run left, or absent.
void require_stage_of_loewner(const fs::path& stage) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(stage, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() != fs::file_type::directory) {
    throw IoError(stage.string() + ": must be free for the unfinished output, but something else is there");
  }
  for (const auto& name : names_in(stage)) {
    if (!is_name_in_stage(name)) {
      throw IoError(stage.string() + ": must be free for the unfinished output, but it holds '" + name +
                    "', which loewner did not write");
    }
  }
}

void remove_all_but(const std::set<std::string>& kept, const fs::path& folder) {
  for (const auto& name : names_in(folder)) {
    if (!kept.contains(name)) remove_tree(folder / name);
  }
}

}  // namespace

struct StagedFolder::Lock {
  detail::SpareDescriptors spare;
  detail::FolderLock folder;
  std::mutex making;  // of one part at a time
};

void require_apart(const fs::path& model, const fs::path& output) {
  const fs::path a = fs::weakly_canonical(normal_target(model)), b = fs::weakly_canonical(normal_target(output));
  require(!contains(a, b) && !contains(b, a), [&] {
    return output.string() +
           ": the output must not be the model folder, contain it or lie in it; the model folder is " + model.string();
  });
}

StagedFolder::StagedFolder(const fs::path& target, const std::string& fingerprint, IfExists if_exists, StageUse use)
    : target_(normal_target(target)),
      stage_(stage_of(target_)),
      parts_(stage_ / kParts),
      claims_(stage_ / kClaims),
      if_exists_(if_exists),
      use_(use),
      lock_(std::make_unique<Lock>()) {
  const std::string suffix = "-" + detail::random_name();
  folder_ = stage_ / (std::string(kFolder) + suffix);
  unfinished_ = stage_ / (std::string(kUnfinished) + suffix);
  if (!fs::is_directory(target_.parent_path())) {
    throw IoError(target_.parent_path().string() + ": the output's parent folder does not exist");
  }
  require_stage_of_loewner(stage_);
  if (!fs::exists(stage_)) require_free_target();
  const bool is_worker = use == StageUse::worker;
  lock_->folder = detail::FolderLock::try_acquire(
      stage_, is_worker ? detail::FolderLock::Mode::shared : detail::FolderLock::Mode::alone);
  if (!lock_->folder.holds()) {
    const std::string holder = detail::FolderLock::holder(stage_);
    throw IoError(target_.string() + ": another run" + (holder.empty() ? "" : " (" + holder + ")") +
                  " is writing this output; wait for its end or choose another output");
  }
  try {
    if (!is_worker) restore_replaced();
    require_free_target();
    is_worker ? join(fingerprint) : take_over(fingerprint);
  } catch (...) {
    lock_->folder.release();  // no destructor runs
    throw;
  }
}

StagedFolder::~StagedFolder() {
  if (!published_) remove_stage();
}

void StagedFolder::require_free_target() const {
  std::error_code error;
  if (fs::symlink_status(target_, error).type() == fs::file_type::not_found) return;
  const std::string obstacle = detail::obstacle_to_replacing(target_);
  if (if_exists_ == IfExists::overwrite && obstacle.empty()) return;
  if (if_exists_ == IfExists::overwrite) {
    throw IoError(target_.string() + ": overwriting replaces only an output of loewner or an empty folder, but " +
                  obstacle);
  }
  throw IoError(target_.string() + ": already exists; choose another output" +
                (obstacle.empty() ? " or overwrite it (--overwrite)" : "; " + obstacle));
}

// A run that was killed between the two renames of publish() left the old target in the stage.
void StagedFolder::restore_replaced() const {
  if (fs::exists(stage_ / kReplaced) && !fs::exists(target_)) detail::rename_folder(stage_ / kReplaced, target_);
}

void StagedFolder::take_over(const std::string& fingerprint) {
  const bool unfinished = names_in(stage_).size() > 1;  // more than the lock
  const bool wants_parts = if_exists_ == IfExists::resume || use_ == StageUse::assembly;
  if (unfinished && if_exists_ == IfExists::refuse && !wants_parts) {
    throw IoError(stage_.string() + ": holds an unfinished output; resume it (--resume) or overwrite it (--overwrite)");
  }
  const bool resumes = wants_parts && fs::exists(stage_ / kState);
  if (resumes) require_same_work(fingerprint);
  std::set<std::string> kept = {detail::FolderLock::kFile};
  if (resumes) kept.insert({kState, kParts});
  remove_all_but(kept, stage_);
  try {
    make_folder(parts_);
    make_folder(folder_);
    if (!resumes) detail::replace_file(stage_ / kState, Json{{"fingerprint", fingerprint}}.dump());
    detail::sync_folder(stage_);
  } catch (...) {
    keep_parts_ = resumes;
    remove_stage();
    throw;
  }
}

// The first worker states the work, the others compare theirs with it.
void StagedFolder::join(const std::string& fingerprint) {
  make_folder(parts_);
  make_folder(claims_);
  const auto state_work = [&] {
    if (fs::exists(stage_ / kState)) return require_same_work(fingerprint);
    detail::replace_file(stage_ / kState, Json{{"fingerprint", fingerprint}}.dump());
    detail::sync_folder(stage_);
  };
  while (!claim("state", state_work)) {
    throw_if_cancelled();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool StagedFolder::claim(const std::string& name, const std::function<void()>& work) const {
  if (use_ != StageUse::worker) {
    work();
    return true;
  }
  auto lock = detail::FolderLock::try_acquire(claims_ / name);
  if (!lock.holds()) return false;
  try {
    work();
  } catch (...) {
    lock.release();
    throw;
  }
  lock.release();
  return true;
}

// Removes nothing that another run has made.
void StagedFolder::remove_stage() noexcept {
  lock_->spare.release();
  std::error_code ignored;  // a destructor cannot report a failure
  const bool keep =
      use_ == StageUse::worker || ((keep_parts_ || use_ == StageUse::assembly) && !is_empty_folder(parts_));
  fs::remove_all(folder_, ignored);
  fs::remove_all(unfinished_, ignored);
  if (!keep && lock_->folder.holds()) {
    fs::remove_all(parts_, ignored);
    fs::remove_all(claims_, ignored);
    fs::remove(stage_ / kState, ignored);
  }
  lock_->folder.release();
}

void StagedFolder::require_own_stage() const {
  if (lock_->folder.holds()) return;
  throw IoError(stage_.string() + ": was removed or replaced during the run; " + target_.string() + " is not written");
}

void StagedFolder::require_same_work(const std::string& fingerprint) const {
  const fs::path path = stage_ / kState;
  const Json state = parse_json_object(detail::read_text_file(path, Index{1} << 20), path.string());
  if (state.value("fingerprint", "") != fingerprint) {
    throw IoError(stage_.string() +
                  ": was started from another model or with other options; overwrite it (--overwrite) or remove it");
  }
}

bool StagedFolder::has_part(const std::string& name) const {
  return fs::exists(part(name));
}

std::vector<std::size_t> StagedFolder::part_numbers(std::string_view start) const {
  std::vector<std::size_t> numbers;
  for (const auto& name : names_in(parts_)) {
    if (!name.starts_with(start)) continue;
    std::size_t number = 0;
    const char* const last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data() + start.size(), last, number);
    if (error == std::errc() && end == last) numbers.push_back(number);
  }
  return numbers;
}

void StagedFolder::make_part(const std::string& name, const std::function<void(const fs::path&)>& fill) const {
  const std::lock_guard lock(lock_->making);
  require_own_stage();
  const bool is_worker = use_ == StageUse::worker;
  if (is_worker && has_part(name)) return;
  remove_tree(unfinished_);
  make_folder(unfinished_);
  fill(unfinished_);
  detail::sync_folder(unfinished_);
  require_own_stage();
  if (has_part(name) && !is_worker) remove_tree(part(name));
  try {
    detail::rename_folder(unfinished_, part(name));
  } catch (const IoError&) {
    if (!is_worker || !has_part(name)) throw;  // a worker may have lost the race for its part
  }
  detail::sync_folder(parts_);
}

void StagedFolder::remove_leftovers(const fs::path& target) {
  const fs::path stage = stage_of(normal_target(target));
  if (!fs::exists(stage)) return;
  require_stage_of_loewner(stage);
  auto lock = detail::FolderLock::try_acquire(stage);
  if (!lock.holds()) return;
  remove_all_but({detail::FolderLock::kFile}, stage);
  lock.release();
}

void StagedFolder::publish() {
  require_own_stage();
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    (entry.is_directory() ? detail::sync_folder : detail::sync_file)(entry.path());
  }
  detail::sync_folder(folder_);
  require_own_stage();
  // A target that was created during this run belongs to another process: it is not replaced.
  const bool replaces = if_exists_ == IfExists::overwrite && fs::exists(target_);
  if (replaces) require_free_target();
  if (replaces) {
    detail::replace_folder(folder_, target_, stage_ / kReplaced);
  } else {
    detail::rename_folder(folder_, target_);
  }
  detail::sync_folder(target_.parent_path());
  published_ = true;
  lock_->spare.release();
  remove_all_but({detail::FolderLock::kFile}, stage_);  // with the old target in it, if there was one
  lock_->folder.release();
}

}  // namespace loewner
