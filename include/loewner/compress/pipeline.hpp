// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// Writes a smaller copy of a model folder, in the format of docs/format.md, and returns its
/// report.
///
///     checkpoint -> select -> row weights -> plan -> encode -> rewrite weights -> measure ->
///     publish
///
/// Units     keep: bytes after / before of the selected tensors, metadata included. max_error:
///           relative weighted Frobenius error of each selected tensor.
/// Method    share_budget() divides the bytes among the tensors, encode_matrix() encodes each of
///           them, and the errors are measured on the numbers that were written.
/// Cost      that of encode_matrix() for each selected tensor, and one pass over the files. A
///           matrix that does not fit into max_memory is read from its file in every pass.
/// Accuracy  reported errors are those of the written numbers; a sum of squares errs by rounding
///           only.
/// Random    the bytes of the output depend on the options only: not on the number of threads, and
///           not on whether the run was resumed.
/// Errors    InvalidArgument (options); IoError (files, and non-finite entries with tensor, row and
///           column); BudgetError, naming the tensor; Cancelled. The output folder appears complete
///           or not at all.
CompressReport compress(const CompressOptions& options, const ProgressCallback& progress = {});

}  // namespace loewner
