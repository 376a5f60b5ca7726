// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loewner/compress/options.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// A tensor to encode.
struct SelectedTensor {
  const CheckpointTensor* tensor = nullptr;
  TensorPlace place;
  bool is_named = false;            ///< by --include
  std::vector<std::string> tied;    ///< its stored copies, which the output leaves out
  std::vector<std::string> scales;  ///< the tensors with its scales, which the output leaves out

  const std::string& name() const { return tensor->info->name; }
  /// Of the matrix that is encoded; of matrices in one tensor, all of them below each other.
  Index rows() const { return matrix_rows(*tensor->info).value(); }
  Index cols() const { return tensor->info->shape.back(); }
  /// The side of the matrix that multiplies the layer's inputs; none if it is no linear layer.
  std::optional<InputSide> inputs() const;
};

struct SelectionResult {
  std::vector<SelectedTensor> tensors;  ///< in the order of their data
  std::vector<std::string> notes;       ///< tensors that were matched but not selected, and why
};

/// Applies `selection`, `include` and `exclude` of the options to a checkpoint.
///
/// Method    only floating-point matrices named `M.weight` and tensors of experts, with two rows
///           and columns, can be encoded; others are left alone with a note. If a tied tensor is
///           stored twice with equal bytes, the copy is dropped; with others, both are kept.
/// Cost      compares the bytes of tied tensors.
/// Errors    InvalidArgument on an invalid regular expression, or if nothing is selected; IoError
///           for a matrix with fewer than two rows or columns that `include` names, or if no other
///           is selected.
SelectionResult select_tensors(const Checkpoint& checkpoint, const Architecture& architecture,
                               const CompressOptions& options);

}  // namespace loewner
