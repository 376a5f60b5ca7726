// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "loewner/compress/selection.hpp"

namespace loewner {

/// The state of one run of compress(): checked options, the opened model and the selected tensors.
struct Job {
  const CompressOptions& options;
  Checkpoint checkpoint;
  Architecture architecture;
  SelectionResult selection;
  std::string fingerprint;  ///< hash of the model and of all options that decide the output's bytes

  /// Errors    IoError when the model cannot be read or is quantized; those of select_tensors.
  explicit Job(const CompressOptions& compress_options);
};

/// Checks ranges and combinations of options.
///
/// Errors    InvalidArgument naming the option and its value.
void require_usable(const CompressOptions& options);

/// The limit of resident memory in bytes.
Index memory_limit(const CompressOptions& options);

}  // namespace loewner
