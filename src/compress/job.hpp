// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "loewner/compress/selection.hpp"

namespace loewner {

/// What one run of compress works on: the checked options, the opened model and what was selected
/// of it.
struct Job {
  const CompressOptions& options;
  Checkpoint checkpoint;
  Architecture architecture;
  SelectionResult selection;
  std::string fingerprint;  ///< of the model and of everything that decides the output's bytes

  /// Errors    IoError when the model cannot be read or is quantized; those of select_tensors.
  explicit Job(const CompressOptions& compress_options);
};

/// InvalidArgument unless the options can be meant.
void require_usable(const CompressOptions& options);

/// Bytes of resident memory to stay below.
Index memory_limit(const CompressOptions& options);

}  // namespace loewner
