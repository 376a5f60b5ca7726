// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// The claims of one encoded tensor and their verification.
struct CheckedTensor {
  TensorReport claimed;                ///< from the output's specification
  bool compared = false;               ///< with the original; else the next three are empty
  TensorErrors found;                  ///< recomputed from the stored arrays and the original
  std::optional<double> lp_error_svd;  ///< recomputed; none if none is claimed
  std::optional<double> certificate;   ///< recomputed; none if none is claimed
  std::optional<double> output_error;  ///< recomputed; none if none is claimed, or without moments
  std::vector<std::string> failures;   ///< one line for each claim that failed
};

/// The result of verify().
struct VerifyReport {
  std::vector<CheckedTensor> tensors;
  Index untouched_tensors = 0;        ///< equal to the original's byte for byte
  Index untouched_files = 0;          ///< the same for files other than weights and config.json
  Index checked_files = 0;            ///< files that have a checksum
  std::vector<std::string> failures;  ///< of other tensors, files, config.json and sizes
  std::vector<std::string> notes;     ///< changed files, and checks that were not possible
  Index weights_before = 0, weights_after = 0;

  bool holds() const;
};

/// Files that some claims need; empty if there are none.
struct VerifyFiles {
  std::filesystem::path row_weights{};  ///< token counts, if the output was made with them
  std::filesystem::path moments{};      ///< with which the output's linear layers were encoded
};

/// Checks an output folder, alone or against the original model.
///
/// Method    compares the checksums of the encoded arrays, of config.json and of all other files
///           but README.md, and the sizes in the model card and in the index with the files. With
///           the model: recomputes the errors, certificates and SVD errors that the specifications
///           claim, and compares all other tensors, their types and the values of config.json with
///           the original's. These checks are `failures`. Files that were added, removed or differ
///           from the original's, and fields of config.json that were added or removed, are
///           `notes`: transformers rewrites configurations when it saves a model. No path that the
///           output names is opened: `files` are those that claims need besides the model.
/// Cost      one pass over both folders. A certificate costs its l_p factorization again,
///           lp_error_svd its SVD.
/// Accuracy  checksums and sizes agree exactly. Errors agree within 1e-4 relative (float32 products
///           of other processors differ in the last digits) or 1e-6 absolute (the rounding of
///           float32 entries). predicted_error is only checked by its checksum.
/// Random    none.
/// Errors    IoError when a folder cannot be read, its format is broken, or the moments are those
///           of another model; InvalidArgument on moments without a model.
VerifyReport verify(const std::filesystem::path& output, const std::optional<std::filesystem::path>& model,
                    const ProgressCallback& progress = {}, const VerifyFiles& files = {});

/// The report as JSON; its fields are documented in docs/report.md.
///
/// Errors    none.
Json to_json(const VerifyReport& report);

}  // namespace loewner
