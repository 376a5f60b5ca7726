// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loewner/compress/options.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner {

/// A tensor that is going to be encoded.
struct SelectedTensor {
  const CheckpointTensor* tensor = nullptr;
  TensorPlace place;
  std::vector<std::string>
      tied;  ///< stored copies of it that the configuration ties to it; they are left out of the output

  const std::string& name() const { return tensor->info->name; }
  Index rows() const { return tensor->info->shape[0]; }
  Index cols() const { return tensor->info->shape[1]; }
};

struct SelectionResult {
  std::vector<SelectedTensor> tensors;  ///< in the order of their data
  std::vector<std::string> notes;       ///< tensors that a user may have expected here, and why they are not
};

/// Applies --embeddings/--linear/--all, --include and --exclude to a checkpoint. Only matrices named `M.weight` of a
/// floating-point type can be encoded; of tied tensors that are both stored with equal bytes the copy is dropped, with
/// other bytes both are kept.
///
/// Errors    InvalidArgument on a malformed regular expression, or when nothing is left to encode; IoError for a
///           selected table with fewer than two rows or columns.
SelectionResult select_tensors(const Checkpoint& checkpoint, const Architecture& architecture,
                               const CompressOptions& options);

}  // namespace loewner
