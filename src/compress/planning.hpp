// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "compress/tensor_request.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// What each selected tensor gets of the options' budget, and what it was chosen from.
struct TensorPlan {
  TensorBudget budget;
  std::vector<Candidate> offers;  ///< empty where nothing had to be shared
};

/// Shares the byte budget of the options over the selected tensors, or gives each of them the error
/// of the options.
///
/// Method    one tensor gets all. Several: the curves of what the method offers for each (of every
///           method for automatic) and one multiplier; the errors that are added are the squares of
///           the relative weighted errors, weighted by the matrix's number of entries, a tenth of
///           it for a token embedding.
/// Errors    BudgetError, with the smallest possible size, when the budget cannot be met.
std::vector<TensorPlan> share_budget(const Job& job, const std::function<void(const SelectedTensor&)>& progress);

}  // namespace loewner
