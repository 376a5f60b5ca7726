// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loewner/compress/selection.hpp"
#include "loewner/model/moments_file.hpp"

namespace loewner {

/// The work of a CompressSession: checked options, the opened model and the selected tensors.
struct Job {
  const CompressOptions& options;
  Checkpoint checkpoint;
  Architecture architecture;
  std::optional<MomentsFile> moments;      ///< of the options
  std::vector<std::int64_t> token_counts;  ///< of the options or the moments file, or none
  SelectionResult selection;
  std::string fingerprint;  ///< hash of the model and of all options that decide the output's bytes

  /// Opens the model. `work`: what else decides the output's bytes, for the fingerprint.
  ///
  /// Errors    IoError when the model cannot be read or is quantized, and when the moments are not those of the
  ///           model; those of select_tensors.
  Job(const CompressOptions& compress_options, const std::string& work);
};

/// Checks ranges and combinations of options.
///
/// Errors    InvalidArgument naming the option and its value.
void require_usable(const CompressOptions& options);

/// Whether the options give moments for the inputs of a selected tensor.
bool has_moments(const Job& job, const SelectedTensor& tensor);

/// The moments that the options give for the inputs of a selected tensor; none for other tensors.
///
/// Errors    those of MomentsFile::read().
std::optional<InputMoments> stored_moments(const Job& job, const SelectedTensor& tensor);

/// Those by which its bytes are planned.
///
/// Errors    those of MomentsFile::read_for_plan().
std::optional<InputMoments> planning_moments(const Job& job, const SelectedTensor& tensor);

/// The limit of resident memory in bytes.
Index memory_limit(const CompressOptions& options);

}  // namespace loewner
