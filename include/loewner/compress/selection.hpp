// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loewner/compress/options.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner {

/// A tensor to encode.
struct SelectedTensor {
  const CheckpointTensor* tensor = nullptr;
  TensorPlace place;
  std::vector<std::string> tied;  ///< its stored copies, which the output leaves out

  const std::string& name() const { return tensor->info->name; }
  Index rows() const { return tensor->info->shape[0]; }
  Index cols() const { return tensor->info->shape[1]; }
};

struct SelectionResult {
  std::vector<SelectedTensor> tensors;  ///< in the order of their data
  std::vector<std::string> notes;       ///< tensors that were matched but not selected, and why
};

/// Applies `selection`, `include` and `exclude` of the options to a checkpoint.
///
/// Method    only floating-point matrices named `M.weight` can be encoded. If a tied tensor is
///           stored twice with equal bytes, the copy is dropped; with other bytes, both are kept.
/// Cost      compares the bytes of tied tensors.
/// Errors    InvalidArgument on an invalid regular expression, or if nothing is selected; IoError
///           for a selected matrix with fewer than two rows or columns.
SelectionResult select_tensors(const Checkpoint& checkpoint, const Architecture& architecture,
                               const CompressOptions& options);

}  // namespace loewner
