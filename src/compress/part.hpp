// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compress/tensor_request.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {

/// The encoding of a selected tensor before it is written. Its arrays are computed when they are
/// read, or lie in a file of the stage.
struct Part {
  const SelectedTensor* tensor = nullptr;
  Json spec;                                    ///< specification; its errors are measured when it is saved
  std::vector<StoredArray> arrays;              ///< under their full names
  std::shared_ptr<const EncodedMatrix> matrix;  ///< source of the arrays; null if saved
  std::string checksum;                         ///< of the saved arrays, whose errors `spec` states
  Index held_bytes = 0;                         ///< of the original's rows in memory
  RowWeights weights;                           ///< of its errors; empty if saved
  double seconds = 0;
};

/// No encoding of a tensor meets its budget, or the model has the name of one of its arrays. The
/// message does not name the tensor.
class NoEncoding : public BudgetError {
 public:
  using BudgetError::BudgetError;
};

/// Encodes a selected tensor.
///
/// Errors    those of TensorRequest and encode_matrix(); a BudgetError of the latter becomes a
///           NoEncoding. NoEncoding if another tensor has the name of an array.
Part encode_part(const Job& job, const SelectedTensor& tensor, const TensorBudget& budget, Index memory,
                 const InputMoments* moments);

/// The matrix that the arrays give (rows x cols).
Matrix<float> decoded_part(const Part& part);

/// States the errors of a part's stored numbers in its specification.
///
/// Errors    InvalidArgument, naming the tensor, when they are not finite; those of approximation_errors().
void measure_errors(const Job& job, const SelectedTensor& tensor, const EncodedMatrix& stored,
                    const RowWeights& weights, Json& spec);

/// Saves a part in the stage, durably, with the errors of the numbers in its file.
///
/// Errors    those of measure_errors(); IoError when a file cannot be written.
void save_part(const Job& job, const Part& part, const StagedFolder& staged, std::size_t number);

/// Loads a part that this run or an earlier one saved.
///
/// Errors    IoError when a file cannot be read.
Part load_part(const Job& job, const StagedFolder& staged, std::size_t number);

}  // namespace loewner
