// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/model/row_weights.hpp"

namespace loewner {

/// The claims of a stored tensor, with its bytes in the files. bytes_before come from `model`; they
/// are zero if it is null.
TensorReport claimed_report(const EncodedTensor& tensor, const Checkpoint& output, const Checkpoint* model);

/// Measures the errors that the claims state.
TensorErrors measured_errors(const RowSource& original, const EncodedMatrix& encoded, const RowWeights& weights,
                             double norm_exponent);

/// The row weights of the claims of a stored tensor. A file of counts is not part of the output, and
/// the path that the output states is never opened, since the output may come from anyone: the caller
/// names the file. text_counts: those of a moments file. If the counts that the claims need are not there,
/// the description is empty and a note says so.
RowWeights stored_row_weights(const EncodedTensor& tensor, const Checkpoint& model, const std::filesystem::path& counts,
                              std::vector<std::string>& notes, const std::vector<std::int64_t>& text_counts = {});

}  // namespace loewner
