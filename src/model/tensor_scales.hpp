// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loewner/model/checkpoint.hpp"

namespace loewner::detail {

/// The quantization method of checkpoints whose 8-bit floats have scales beside them (DeepSeek, Qwen, Mistral).
inline constexpr const char* kFloat8Method = "fp8";

/// The tensors that scale a tensor of 8-bit floats: `M.weight_scale_inv` or `M.weight_scale` first, then those of a
/// layer's inputs, which a decoded layer does not need. Empty for other tensors.
std::vector<std::string> scales_of(const Checkpoint& checkpoint, const TensorInfo& tensor);

/// The rows of a tensor of 8-bit floats, each entry times its scale.
///
/// Scales are one for the tensor, one for each row, or one for each block of
/// `quantization_config.weight_block_size`.
///
/// Errors    IoError, naming the tensor and its scales, when there is no scale or its shape does not fit; those of
///           TensorRows.
std::shared_ptr<const RowSource> scaled_rows(const Checkpoint& checkpoint, const CheckpointTensor& tensor);

}  // namespace loewner::detail
