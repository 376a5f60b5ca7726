// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compress/job.hpp"
#include "loewner/model/input_moments.hpp"
#include "loewner/model/row_weights.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// The limit for the encoding of one tensor: bytes or error, as in EncodeRequest. Neither is set if
/// only candidates are wanted.
struct TensorBudget {
  std::optional<Index> max_bytes;
  std::optional<double> max_error;
  std::optional<double> predicted_error;  ///< relative squared error of the plan, if there is one
};

/// The EncodeRequest of a selected tensor, and the data it refers to: the rows, in memory if they
/// fit into `memory` bytes beside the solver, their weights (only for token embeddings), and the
/// moments, unless they are null. The moments of a table become its metric. Where a method weighs
/// outputs, the rows are corrected_weights(), and the moments have no correction any more.
///
/// Errors    BudgetError, naming the tensor, when memory is too small; IoError on a non-finite
///           entry; InvalidArgument, naming the tensor, on moments that do not fit.
class TensorRequest {
 public:
  TensorRequest(const Job& job, const SelectedTensor& tensor, const TensorBudget& budget, Index memory,
                const InputMoments* moments);
  TensorRequest(const TensorRequest&) = delete;
  TensorRequest& operator=(const TensorRequest&) = delete;

  const EncodeRequest& request() const { return request_; }
  const RowWeights& weights() const { return weights_; }
  /// Bytes of the rows in memory; 0 if each pass reads them from their file.
  Index held_bytes() const { return held_bytes_; }

 private:
  RowWeights weights_;
  InputMoments moments_;  // after the correction, which the rows then have
  EncodeRequest request_;
  Index held_bytes_ = 0;
};

/// Bytes of memory that the encoding of a selected tensor takes, about: its rows and its decoded
/// rows, the solver that takes most, and moments; at most the limit of the options.
Index encoding_memory(const Job& job, const SelectedTensor& tensor);

/// The metric of a table with these sensitivities of its channels; null for other tensors, without
/// moments, and if they treat all channels alike.
///
/// Errors    those of ChannelMetric, naming the tensor.
std::shared_ptr<const ChannelMetric> metric_of(const SelectedTensor& tensor, const InputMoments* moments);

/// The row weights of a selected tensor as an option, with the exponent stated, and their values.
std::string row_weights_option(const Job& job, const SelectedTensor& tensor);
RowWeights row_weights_of(const Job& job, const SelectedTensor& tensor);

}  // namespace loewner
