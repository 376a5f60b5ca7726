// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/model/row_weights.hpp"

namespace loewner {

/// The claims of a stored tensor with the bytes that it takes in its files. bytes_before are those
/// in `model`, zero without one.
TensorReport claimed_report(const EncodedTensor& tensor, const Checkpoint& output, const Checkpoint* model);

/// The errors of an encoding, as its claims state them.
TensorErrors measured_errors(const RowSource& original, const EncodedMatrix& encoded, const RowWeights& weights,
                             double norm_exponent);

/// The weights the errors of a stored tensor were measured with. A file of counts is not part of
/// the output: where it is not at hand the description is empty and a note says so.
RowWeights stored_row_weights(const EncodedTensor& tensor, const std::filesystem::path& model,
                              std::vector<std::string>& notes);

}  // namespace loewner
