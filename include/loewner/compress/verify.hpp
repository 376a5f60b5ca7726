// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// A stored claim about a tensor, and what was found.
struct CheckedTensor {
  TensorReport claimed;                ///< from the output's specification
  TensorErrors found;                  ///< recomputed from the stored arrays and the original
  std::optional<double> lp_error_svd;  ///< recomputed; null where none is claimed
  std::optional<double> certificate;   ///< recomputed; null where none is claimed
  std::vector<std::string> failures;   ///< in words; empty when every claim holds
};

struct VerifyReport {
  std::vector<CheckedTensor> tensors;
  Index untouched_tensors = 0;        ///< compared byte for byte with the original
  std::vector<std::string> failures;  ///< of the folder as a whole: missing, changed or unexpected tensors
  std::vector<std::string> notes;     ///< what could not be checked, and why
  Index weights_before = 0, weights_after = 0;

  bool holds() const;
};

/// Reads an output again and recomputes what it claims, against the original model.
///
/// Accuracy  a claim holds when it agrees to 1e-4 relative (float32 products of other processors differ in the last
///           digits) or 1e-7 absolute. predicted_error is a forecast and not checked.
/// Cost      one pass over both models; certificates cost their l_p factorisation and lp_error_svd its SVD again.
/// Errors    IoError when a folder cannot be read or its format is broken. Claims that do not hold are no errors but
/// `failures`.
VerifyReport verify(const std::filesystem::path& output, const std::filesystem::path& model,
                    const ProgressCallback& progress = {});

Json to_json(const VerifyReport& report);

}  // namespace loewner
