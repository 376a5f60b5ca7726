// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "compress/tensor_request.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {

/// The encoding of one selected tensor, waiting to be written: its arrays are computed when they
/// are read, or lie in a file of the stage.
struct Part {
  Json spec;                                    ///< what config.json says of the tensor; errors not measured yet
  std::vector<StoredArray> arrays;              ///< under their full names
  std::shared_ptr<const EncodedMatrix> matrix;  ///< what computes them; null for a part from the stage
  Index held_bytes = 0;                         ///< of the original's rows, where the arrays are computed from memory
  RowWeights weights;                           ///< that its errors are measured with
  double seconds = 0;
};

/// Encodes selected tensor `number`; errors are those of TensorRequest and encode_matrix, with the
/// tensor's name.
Part encode_part(const Job& job, std::size_t number, const TensorBudget& budget, Index memory);

/// Makes a part durable in the stage.
void save_part(const Part& part, const StagedFolder& staged, std::size_t number);

/// A part that this run or an earlier one saved.
Part load_part(const Job& job, const StagedFolder& staged, std::size_t number);

}  // namespace loewner
