// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "compress/job.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {

/// The moments that a session keeps in its stage, each as a durable part, so that no two of them
/// need to be in memory.
class MomentsStore {
 public:
  MomentsStore(const Job& job, const StagedFolder& staged) : job_(job), staged_(staged) {}

  /// See CompressSession.
  void keep(std::size_t tensor, MomentsUse use, const InputMoments& moments, std::optional<std::size_t> same_as) const;
  std::optional<InputMoments> kept(std::size_t tensor, MomentsUse use) const;
  void keep_importance(const KeptImportance& importance) const;
  std::optional<KeptImportance> importance() const;

  /// Writes all of them into a moments file.
  ///
  /// Errors    IoError when the file cannot be written.
  void save(const std::filesystem::path& path) const;

 private:
  struct Layer;
  std::optional<Layer> layer(std::size_t tensor, MomentsUse use) const;
  MomentsFile file(std::size_t tensor, MomentsUse use) const;
  const std::string& name_of(std::size_t tensor) const { return job_.selection.tensors[tensor].name(); }

  const Job& job_;
  const StagedFolder& staged_;
};

}  // namespace loewner
