// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"

namespace loewner {

/// Writes an encoded checkpoint as an ordinary dense one, for tools that do not know this format.
///
/// Method    decodes each encoded tensor into its original type, removes quantization_config, and
///           copies everything else. The names of files and shards stay.
/// Cost      one pass over the files, in bounded memory.
/// Accuracy  float32 decoding, rounded to the original type.
/// Errors    InvalidArgument as require_apart(); IoError when a file cannot be read or written.
///           `output` appears complete or not at all.
void expand(const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
            const ProgressCallback& progress = {});

}  // namespace loewner
