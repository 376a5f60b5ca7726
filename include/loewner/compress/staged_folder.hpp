// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "loewner/compress/options.hpp"

namespace loewner {

/// InvalidArgument when the output would be the model folder, contain it or lie in it: overwriting would delete the
/// model, and an output inside would become one of its files.
void require_apart(const std::filesystem::path& model, const std::filesystem::path& output);

/// An output folder in the making: everything is written beside the target, as TARGET.partial/, and appears under its
/// name by one rename.
///
///     TARGET.partial/state.json   what is being made (a fingerprint); decides whether a run may be resumed
///     TARGET.partial/parts/       finished pieces, a folder each, durable on its own
///     TARGET.partial/unfinished/  the piece that is being made
///     TARGET.partial/folder/      what becomes TARGET
///
/// So TARGET never exists in part, whenever the process is killed, and a later run picks up the finished pieces.
class StagedFolder {
 public:
  /// Claims the target for the work that `fingerprint` stands for.
  ///
  /// Errors    IoError when the target exists (unless overwriting), when an unfinished output lies there (unless
  ///           resuming or overwriting), when it was begun with another fingerprint (resuming), or when the parent is
  ///           missing or read-only.
  StagedFolder(const std::filesystem::path& target, const std::string& fingerprint, IfExists if_exists);

  /// Without publish() or keep_parts() everything is removed: a run that failed leaves nothing.
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  /// The folder of piece `name`, and whether it is finished, by this run or an earlier one.
  std::filesystem::path part(const std::string& name) const { return parts_ / name; }
  bool has_part(const std::string& name) const;

  /// Makes piece `name` of the durable files that `fill` writes into a folder; it is there whole or not at all.
  void make_part(const std::string& name, const std::function<void(const std::filesystem::path& folder)>& fill) const;

  /// Leaves the finished pieces, if there are any, for a run that resumes this one.
  void keep_parts() { keep_parts_ = true; }

  /// Removes what a run that was killed between publishing and cleaning up left beside its target.
  static void remove_leftovers(const std::filesystem::path& target);

  /// Makes everything in folder() durable and renames it to the target; an old target is exchanged and then removed.
  void publish();

 private:
  void begin(const std::string& fingerprint);
  void remove_stage() const noexcept;
  void require_same_work(const std::string& fingerprint) const;

  std::filesystem::path target_, stage_, folder_, parts_, unfinished_;
  IfExists if_exists_;
  bool keep_parts_ = false;
  bool published_ = false;
};

}  // namespace loewner
