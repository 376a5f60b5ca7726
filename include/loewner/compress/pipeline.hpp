// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// Makes a checkpoint smaller: the way of the data from a model folder to an output folder of the format in
/// docs/format.md.
///
///     checkpoint -> select -> row weights -> encode (each tensor, durable) -> measure -> rewrite weights -> publish
///
/// Units     keep: bytes after / bytes before of each selected tensor, metadata included; max_error: relative weighted
/// Frobenius error. Cost      that of encode_matrix for each selected tensor, and one pass over the files; matrices
/// that max_memory has no room for are
///           streamed from their file in every pass.
/// Random    the output is the same bytes for the same options, whatever the number of threads, and whether or not it
/// was resumed. Errors    InvalidArgument (options), IoError (files; a non-finite entry with tensor, row and column),
/// BudgetError (naming the tensor),
///           Cancelled. The output folder appears complete or not at all.
CompressReport compress(const CompressOptions& options, const ProgressCallback& progress = {});

}  // namespace loewner
