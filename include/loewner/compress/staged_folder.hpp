// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/compress/options.hpp"
#include "loewner/compress/stage_use.hpp"

namespace loewner {

/// Requires that the output folder and the model folder do not overlap: overwriting would delete
/// the model, and an output inside the model would become one of its files.
///
/// Method    compares the paths, after symbolic links are followed as far as the folders exist.
/// Cost      looks at the parts of both paths only.
/// Errors    InvalidArgument if they overlap.
void require_apart(const std::filesystem::path& model, const std::filesystem::path& output);

/// An unfinished output folder. All files are written into TARGET.partial/; one rename then gives
/// the folder its name.
///
///     TARGET.partial/lock           locked by the run that is writing TARGET
///     TARGET.partial/state.json     fingerprint of the work; only the same work can be resumed
///     TARGET.partial/parts/         finished parts, one durable folder each
///     TARGET.partial/claims/        locks of what a worker is making for all workers
///     TARGET.partial/unfinished-*/  the current part
///     TARGET.partial/folder-*/      the folder that will become TARGET
///     TARGET.partial/replaced/      the old TARGET, where the file system cannot exchange names
///
/// TARGET never exists in part, even if the process is killed, and a later run reuses finished
/// parts. If TARGET is a symbolic link, the folder that it names is written and the link stays.
class StagedFolder {
 public:
  /// Creates TARGET.partial/, or takes over an unfinished one with the same fingerprint. A worker
  /// joins the others of the same work there; an assembly takes over what the workers left.
  ///
  /// Errors    IoError when another run is writing the target, when the target exists (unless
  ///           overwriting), when it is neither an output of loewner nor an empty folder
  ///           (overwriting), when TARGET.partial/ exists (unless resuming or overwriting) or holds
  ///           files that loewner did not write, when it has another fingerprint (resuming), or
  ///           when the parent folder is missing or read-only.
  StagedFolder(const std::filesystem::path& target, const std::string& fingerprint, IfExists if_exists,
               StageUse use = StageUse::alone);

  /// Removes everything unless publish() or keep_parts() was called: a failed run leaves nothing. A
  /// worker and an assembly leave the parts.
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  /// The folder of part `name`, and whether this run or an earlier one finished it.
  std::filesystem::path part(const std::string& name) const { return parts_ / name; }
  bool has_part(const std::string& name) const;

  /// The numbers of the parts whose names are `start` and a number, in no order.
  ///
  /// Cost      one look at the folder for all parts.
  std::vector<std::size_t> part_numbers(std::string_view start) const;

  /// Creates part `name`, in the place of an earlier one, from the durable files that `fill` writes
  /// into a folder. The part appears complete or not at all. Workers keep an earlier one: whoever
  /// makes a part gives it the same bytes.
  ///
  /// Errors    IoError when TARGET.partial/ was removed or replaced since.
  void make_part(const std::string& name, const std::function<void(const std::filesystem::path& folder)>& fill) const;

  /// Runs `work` unless another worker is running work of this name; returns whether it ran.
  ///
  /// Errors    IoError when the claim cannot be written; those of `work`.
  bool claim(const std::string& name, const std::function<void()>& work) const;

  /// Keeps finished parts, if there are any, for a run that resumes this one.
  void keep_parts() { keep_parts_ = true; }

  /// Removes TARGET.partial/ of a run that was killed after publish() renamed its folder. Does
  /// nothing if another run is writing there.
  static void remove_leftovers(const std::filesystem::path& target);

  /// Makes the files of folder() durable and renames the folder to the target. An old target is
  /// exchanged with it and then removed.
  ///
  /// Errors    IoError when TARGET.partial/ was removed or replaced since, or when the target is
  ///           not what the constructor found.
  void publish();

 private:
  void require_free_target() const;
  void take_over(const std::string& fingerprint);
  void join(const std::string& fingerprint);
  void restore_replaced() const;
  void require_same_work(const std::string& fingerprint) const;
  void require_own_stage() const;
  void remove_stage() noexcept;

  struct Lock;
  std::filesystem::path target_, stage_, folder_, parts_, claims_, unfinished_;
  IfExists if_exists_;
  StageUse use_;
  std::unique_ptr<Lock> lock_;
  bool keep_parts_ = false;
  bool published_ = false;
};

}  // namespace loewner
