// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "loewner/compress/report_data.hpp"
#include "loewner/model/checkpoint.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// An encoded tensor held against its original: what a reader of a report wants to know beyond the claims.
struct TensorStudy {
  Index array_bytes = 0;              ///< data of the stored arrays, as offers count them
  std::vector<double> squared_norm;   ///< ||a_i||_2^2, by row of the original
  std::vector<double> squared_error;  ///< ||a_i - b_i||_2^2, by row
  std::vector<double> row_weights;    ///< those of the claims; empty where every row counts the same
  std::vector<double> frequency;      ///< of a token embedding: estimated, by row; else empty
  std::vector<double> rank_error;     ///< of the original: RankCurve::error
  bool rank_error_exact = true;       ///< RankCurve::exact
  std::vector<Candidate> offers;      ///< of every method, for the original under row_weights
  std::vector<std::string> notes;     ///< what could not be found out, and why
};

/// What an output says of its tensors, with the bytes of its files. Those before are of `model`, zero without one.
///
/// Errors    IoError, naming the tensor, when it is not in `model` or a field is missing.
CompressReport claimed_report(const Checkpoint& output, const Checkpoint* model);

/// Holds one encoded tensor against its original.
///
/// Cost      some passes over the file of the original, one over the encoding, and the planning of `compress` (plan/
///           encode.hpp: candidates); memory bounded by the planning, whatever the number of rows, but for 16 bytes or
///           so a row of the result.
/// Random    that of the planning, from seed 0; the same bits for any number of threads.
/// Errors    IoError when the tensor is not in one of them, shapes differ, or an entry is not finite.
TensorStudy study_tensor(const Checkpoint& output, const Checkpoint& model, const std::string& name);

}  // namespace loewner
