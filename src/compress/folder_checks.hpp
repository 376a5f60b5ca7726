// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/verify.hpp"

namespace loewner::detail {

/// Compares all tensors that were not encoded with the original's, byte for byte.
void check_untouched_tensors(const Checkpoint& output, const Checkpoint& model,
                             const std::vector<EncodedTensor>& encoded, VerifyReport& report);

/// Compares config.json with the original's. A field with another value is a failure; a field that
/// was added or removed is a note.
void check_configuration(const Checkpoint& output, const Checkpoint& model, VerifyReport& report);

/// Compares all other files with the original's. Differences are notes.
void check_other_files(const Checkpoint& output, const Checkpoint& model, VerifyReport& report);

/// Compares the sizes that the index and the model card state with those of the files.
/// report.tensors must hold the sizes of the files.
void check_sizes(const Checkpoint& output, VerifyReport& report);

}  // namespace loewner::detail
