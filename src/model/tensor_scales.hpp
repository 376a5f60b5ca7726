// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loewner/model/checkpoint.hpp"

namespace loewner::detail {

/// The quantization method of checkpoints whose 8-bit floats have scales beside them (DeepSeek, Qwen, Mistral).
inline constexpr const char* kFloat8Method = "fp8";

/// The name of the tensor that holds the scales of tensor T, whatever its type is: T_scale_inv or T_scale, and for
/// T = M.weight also M.scale or M.qscale_weight. Empty if there is none.
std::string scale_of(const Checkpoint& checkpoint, const std::string& tensor);

/// The tensors that scale a tensor of 8-bit floats: that of scale_of() first, then those of a layer's inputs, which a
/// decoded layer does not need. Empty for other tensors.
std::vector<std::string> scales_of(const Checkpoint& checkpoint, const TensorInfo& tensor);

/// The rows of a tensor of 8-bit floats, each entry times its scale.
///
/// There is one scale for the tensor, or for each matrix, row, block of `quantization_config.weight_block_size` or
/// block of 32 entries of a row (MX). Matrices of experts in a tensor of 3 dimensions have grids of scales of their
/// own; gate_up_proj may have one scale for each half.
///
/// Errors    IoError, naming the tensor and its scales, when there is no scale or its shape does not fit; those of
///           TensorRows.
std::shared_ptr<const RowSource> scaled_rows(const Checkpoint& checkpoint, const CheckpointTensor& tensor);

}  // namespace loewner::detail
