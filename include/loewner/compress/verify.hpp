// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// The claims of one encoded tensor and their verification.
struct CheckedTensor {
  TensorReport claimed;                ///< from the output's specification
  TensorErrors found;                  ///< recomputed from the stored arrays and the original
  std::optional<double> lp_error_svd;  ///< recomputed; none if none is claimed
  std::optional<double> certificate;   ///< recomputed; none if none is claimed
  std::vector<std::string> failures;   ///< one line for each claim that failed
};

/// The result of verify().
struct VerifyReport {
  std::vector<CheckedTensor> tensors;
  Index untouched_tensors = 0;        ///< equal to the original's byte for byte
  Index untouched_files = 0;          ///< the same for files other than weights and config.json
  std::vector<std::string> failures;  ///< of other tensors, config.json and sizes
  std::vector<std::string> notes;     ///< changed files, and checks that were not possible
  Index weights_before = 0, weights_after = 0;

  bool holds() const;
};

/// Checks an output folder against the original model.
///
/// Method    recomputes the errors, certificates and SVD errors that the specifications claim;
///           compares the sizes in the model card and in the index with the files; compares all
///           other tensors and the values of config.json with the original's. These checks are
///           `failures`. Other files that were changed, added or removed, and fields of config.json
///           that were added or removed, are `notes`: users edit README.md, and transformers
///           rewrites configurations when it saves a model.
/// Cost      one pass over both models. A certificate costs its l_p factorization again,
///           lp_error_svd its SVD.
/// Accuracy  errors agree within 1e-4 relative (float32 products of other processors differ in the
///           last digits) or 1e-7 absolute; sizes agree exactly. predicted_error is not checked.
/// Random    none.
/// Errors    IoError when a folder cannot be read or its format is broken.
VerifyReport verify(const std::filesystem::path& output, const std::filesystem::path& model,
                    const ProgressCallback& progress = {});

/// The report as JSON; its fields are documented in docs/report.md.
///
/// Errors    none.
Json to_json(const VerifyReport& report);

}  // namespace loewner
