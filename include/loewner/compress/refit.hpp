// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// A refitted factor of a low-rank encoding.
struct RefittedFactor {
  std::string tensor;    ///< name of the encoded tensor
  std::string array;     ///< "left" or "right"
  Matrix<float> values;  ///< same shape as the array; rounded to its format when stored
  Json record;           ///< field `refit` of the tensor's specification
};

/// Writes folder `target`: a copy of the output folder with these factors in place of the old ones.
///
/// Shapes    values of a factor: the shape of the stored array.
/// Method    `row_weights` is the file of token counts if the output was made with one.
///           Errors are measured again against the model. A certificate is removed, because it
///           described the ellipsoid of the old factors.
/// Cost      one pass over the output's weights, and for each factor one over its tensor of the
///           model.
/// Errors    IoError when a folder cannot be read or the target exists (unless overwriting);
///           InvalidArgument when a tensor is not encoded in two factors, the shape of a factor
///           does not fit, an entry is not finite or too large for the stored format, or the target
///           is the output or the model.
std::vector<TensorReport> store_refit(const std::filesystem::path& output, const std::filesystem::path& model,
                                      const std::filesystem::path& target, std::vector<RefittedFactor> factors,
                                      IfExists if_exists, const ProgressCallback& progress = {},
                                      const std::filesystem::path& row_weights = {});

}  // namespace loewner
