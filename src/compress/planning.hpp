// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compress/tensor_request.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// The budget of one selected tensor, and the candidates that it was chosen from.
struct TensorPlan {
  TensorBudget budget;
  std::vector<Candidate> offers;  ///< empty if there was nothing to divide
};

/// Divides the byte budget of the options among the selected tensors, or gives each of them the
/// error of the options.
///
/// Method    A single tensor gets all bytes. Otherwise minimizes the sum of squared relative
///           weighted errors over the candidates of each tensor, by one Lagrange multiplier
///           (allocate()). A tensor's error has the weight of its number of entries, a token
///           embedding's a tenth of that. Tensors that no encoding makes smaller leave the
///           selection of the job with a note.
/// Errors    BudgetError, with the smallest possible size, when the budget cannot be met.
std::vector<TensorPlan> share_budget(Job& job, const std::function<void(const SelectedTensor&)>& progress);

/// Notes why tensors are left alone; `reasons` has their numbers in the selection.
///
/// Errors    those of require_not_named(); BudgetError if no tensor is left.
void note_left_alone(Job& job, const std::map<std::size_t, std::string>& reasons);

/// Errors    BudgetError, with the reason, if the user named the tensor with --include.
void require_not_named(const SelectedTensor& tensor, const std::string& reason);

}  // namespace loewner
