// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "loewner/compress/options.hpp"

namespace loewner {

/// An output folder in the making: everything is written beside the target, as TARGET.partial/, and appears under its
/// name by one rename.
///
///     TARGET.partial/state.json   what is being made (a fingerprint); decides whether a run may be resumed
///     TARGET.partial/parts/       finished pieces, each durable on its own
///     TARGET.partial/folder/      what becomes TARGET
///
/// So TARGET never exists in part, whenever the process is killed, and a later run picks up the finished pieces.
class StagedFolder {
 public:
  /// Claims the target for the work that `fingerprint` stands for.
  ///
  /// Errors    IoError when the target exists (unless overwriting), when an unfinished output lies there (unless
  /// resuming or overwriting), when
  ///           it was begun with another fingerprint (resuming), or when the parent is missing or read-only.
  StagedFolder(const std::filesystem::path& target, const std::string& fingerprint, IfExists if_exists);

  /// Without publish(): an output with no finished piece is removed, one with finished pieces is left for a resumed
  /// run.
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  /// Where piece `name` belongs, and whether an earlier run finished it.
  std::filesystem::path part(const std::string& name) const { return parts_ / name; }
  bool has_part(const std::string& name) const;

  /// Removes what a run that was killed between publishing and cleaning up left beside its target.
  static void remove_leftovers(const std::filesystem::path& target);

  /// Makes everything in folder() durable and renames it to the target; an old target is exchanged and then removed.
  void publish();

 private:
  void begin(const std::string& fingerprint);
  void require_same_work(const std::string& fingerprint) const;

  std::filesystem::path target_, stage_, folder_, parts_;
  IfExists if_exists_;
  bool published_ = false;
};

}  // namespace loewner
