// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compress/job.hpp"
#include "loewner/model/row_weights.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// What one tensor's encoding must achieve: one of the two, as in EncodeRequest; neither where only
/// the candidates are asked for.
struct TensorBudget {
  std::optional<Index> max_bytes;
  std::optional<double> max_error;
};

/// The request for the encoding of a selected tensor, with what it refers to: its rows, in memory
/// where they fit into `memory` bytes beside the solver, and their weights (none for what is no
/// token embedding).
///
/// Errors    BudgetError with the tensor's name when memory is too small; IoError on a non-finite
///           entry.
class TensorRequest {
 public:
  TensorRequest(const Job& job, const SelectedTensor& tensor, const TensorBudget& budget, Index memory);
  TensorRequest(const TensorRequest&) = delete;
  TensorRequest& operator=(const TensorRequest&) = delete;

  const EncodeRequest& request() const { return request_; }
  const RowWeights& weights() const { return weights_; }
  /// Bytes of the rows in memory; 0 when they are read from their file in every pass.
  Index held_bytes() const { return held_bytes_; }

 private:
  RowWeights weights_;
  EncodeRequest request_;
  Index held_bytes_ = 0;
};

/// The row weights of a selected tensor as an option, complete with the exponent; and the weights
/// themselves.
std::string row_weights_option(const Job& job, const SelectedTensor& tensor);
RowWeights row_weights_of(const Job& job, const SelectedTensor& tensor);

}  // namespace loewner
