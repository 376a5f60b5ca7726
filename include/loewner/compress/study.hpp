// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loewner/compress/report_data.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// Measurements of one encoded tensor against its original, for reports.
struct TensorStudy {
  Index array_bytes = 0;              ///< data of the stored arrays, as offers count them
  std::vector<double> squared_norm;   ///< ||a_i||_2^2, by row of the original
  std::vector<double> squared_error;  ///< ||a_i - b_i||_2^2, by row
  std::vector<double> row_weights;    ///< those of the claims; empty if all are equal
  std::vector<double> frequency;      ///< of tokens by row; empty if not a token embedding
  std::vector<double> rank_error;     ///< of the original: RankCurve::error
  bool rank_error_exact = true;       ///< RankCurve::exact
  std::vector<Candidate> offers;      ///< candidates of all methods with these row_weights
  std::vector<std::string> notes;     ///< measurements that were not possible, and why
};

/// The report of an output folder, from its specifications and the bytes of its files. Bytes before
/// compression come from `model`; they are zero if it is null.
///
/// Method    report_from_specification() for each tensor, and the sizes of the files. Nothing is
///           measured.
/// Cost      reads specifications and headers only.
/// Errors    IoError, naming the tensor, when a tensor is not in `model` or a field is missing.
CompressReport claimed_report(const Checkpoint& output, const Checkpoint* model);

/// Measures one encoded tensor against its original.
///
/// Shapes    the result has one entry per row of the original in each of its row vectors.
/// Method    `row_weights` is the file of token counts if the output was made with one.
///           Differences of all rows, the rank curve of the original, and candidates() of all
///           methods.
/// Cost      a few passes over the original, one over the encoding, and the planning of compress().
///           Memory is bounded by the planning, plus some 16 bytes per row for the result.
/// Accuracy  row errors: sums in double precision. Curve and candidates: as rank_curve() and
///           candidates().
/// Random    that of the planning, from seed 0; the same bits for any number of threads.
/// Errors    IoError when one of the folders lacks the tensor, shapes differ, or an entry is not
///           finite.
TensorStudy study_tensor(const Checkpoint& output, const Checkpoint& model, const std::string& name,
                         const std::filesystem::path& row_weights = {});

}  // namespace loewner
