// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/model/checkpoint.hpp"

namespace loewner::detail {

/// Whether two stored tensors have the same type, shape and bytes; read by blocks.
bool have_same_bytes(const Checkpoint& of_a, const CheckpointTensor& a, const Checkpoint& of_b,
                     const CheckpointTensor& b);

}  // namespace loewner::detail
