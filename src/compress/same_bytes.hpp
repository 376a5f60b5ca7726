// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "loewner/model/checkpoint.hpp"

namespace loewner::detail {

/// Whether two stored tensors have the same type, shape and bytes. Reads by blocks.
bool have_same_bytes(const Checkpoint& of_a, const CheckpointTensor& a, const Checkpoint& of_b,
                     const CheckpointTensor& b);

/// Whether two files have the same bytes. Reads by blocks. IoError when a file cannot be read.
bool have_same_content(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace loewner::detail
