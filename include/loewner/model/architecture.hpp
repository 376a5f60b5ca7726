// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/model/json.hpp"
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

/// What a tensor does in its model.
enum class TensorRole {
  token_embedding,
  position_embedding,  ///< absolute or relative
  type_embedding,      ///< token types, segments
  linear,              ///< matrix of a linear layer
  head,                ///< linear layer with one output per token of the vocabulary
  norm,
  bias,
  other,
};

std::string_view to_string(TensorRole role);

/// The role of one tensor.
struct TensorPlace {
  TensorRole role = TensorRole::other;
  bool transposed = false;  ///< a linear layer stored as inputs x outputs (GPT-2's Conv1D)
  std::string
      tied_to{};  ///< name of the stored tensor whose values this one shares under the configuration; empty: none
};

/// The roles of a model's tensors, in the order they were given.
struct Architecture {
  std::string model_type;
  std::vector<TensorPlace> places;
};

/// Tells the role of each tensor from the model's configuration, the tensors' names and shapes, and nothing else. Names
/// may carry the prefix of a base model (`bert.embeddings...`) or not. Unknown model types are read by the same rules:
/// a matrix whose module is named as an embedding and which has a row for each token is the token embedding.
///
/// Errors    IoError when the configuration has no model_type.
Architecture analyse_architecture(const Json& config, std::span<const TensorDeclaration> tensors);

}  // namespace loewner
