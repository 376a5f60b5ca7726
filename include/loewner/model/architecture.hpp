// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/model/input_moments.hpp"
#include "loewner/model/json_fwd.hpp"
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

/// The use of a tensor in its model.
enum class TensorRole {
  token_embedding,
  position_embedding,  ///< absolute or relative
  type_embedding,      ///< token types, segments
  linear,              ///< matrix of a linear layer
  head,                ///< linear layer with one output per token of the vocabulary
  experts,             ///< matrices of all experts of a layer in one tensor
  norm,
  bias,
  other,
};

/// The name of the enumerator, as reports and specifications spell it.
///
/// Errors    none.
std::string_view to_string(TensorRole role);

/// The inverse of to_string(); nothing for other texts.
///
/// Errors    none.
std::optional<TensorRole> tensor_role_from_string(std::string_view name);

/// The role of one tensor.
struct TensorPlace {
  TensorRole role = TensorRole::other;
  bool transposed = false;  ///< a linear layer stored as inputs x outputs (GPT-2's Conv1D)
  /// Name of the stored tensor whose values this one shares under the configuration; empty: none.
  std::string tied_to{};
  /// Whether the tensor may be encoded under any name. Others must be named `M.weight`, because
  /// loading replaces the parameter of module M.
  bool any_name = false;
};

/// The side of a matrix that multiplies the inputs of its layer; none if it is no linear layer or
/// head.
///
/// Errors    none.
std::optional<InputSide> input_side(const TensorPlace& place);

/// Whether rows of the matrix are looked up: embeddings of tokens, positions or types.
///
/// Errors    none.
bool is_table(TensorRole role);

/// The roles of a model's tensors, in the order they were given.
struct Architecture {
  std::string model_type;
  std::vector<TensorPlace> places;
};

/// Finds the role of each tensor from the model's configuration and the tensors' names and shapes.
///
/// Method    Names may carry the prefix of a base model (`bert.embeddings...`) or not. The same
///           rules serve unknown model types: a matrix whose module is named as an embedding and
///           that has one row per token is the token embedding. A configuration with a field
///           `loewner_roles` (tensor name -> role) says all roles itself; it belongs to a
///           checkpoint that was made from another format.
/// Cost      O(tensors).
/// Errors    IoError when the configuration has no model_type, or names an unknown role.
Architecture analyze_architecture(const Json& config, std::span<const TensorDeclaration> tensors);

}  // namespace loewner
