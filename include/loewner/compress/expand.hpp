// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"

namespace loewner {

/// Writes an encoded checkpoint as an ordinary dense one, for tools that know nothing of this format: each encoded
/// tensor is decoded into the type it had, quantization_config goes, everything else is copied. The names of files and
/// shards stay.
///
/// Cost      one pass over the files, in bounded memory.
/// Errors    InvalidArgument (require_apart), IoError; `output` appears complete or not at all.
void expand(const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
            const ProgressCallback& progress = {});

}  // namespace loewner
