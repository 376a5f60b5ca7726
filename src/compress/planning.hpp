// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "compress/tensor_request.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/plan/encode.hpp"

namespace loewner {

/// The candidates of a selected tensor: encodings that are smaller than the matrix.
struct TensorSurvey {
  std::vector<Candidate> candidates;
  bool of_outputs = false;  ///< whether errors of codes are those of a layer's outputs
};

/// Surveys a selected tensor.
///
/// Errors    those of TensorRequest and candidates().
TensorSurvey survey_tensor(const Job& job, const SelectedTensor& tensor, const InputMoments* moments);

/// Makes the disk read a tensor that is needed soon.
void fetch(const Job& job, const SelectedTensor& tensor);

/// Whether the options give the tensors one byte budget together, which needs candidates.
bool is_shared(const Job& job);

/// Gives the error of the options to each tensor, or the byte budget to the only one.
std::vector<PlannedTensor> plan_without_candidates(const Job& job);

/// Divides the byte budget of the options among the selected tensors.
///
/// Shapes    surveys: one for each selected tensor.
/// Method    minimizes the sum of the relative squared errors, each times the importance of its
///           tensor, by one Lagrange multiplier (allocate()). An importance that neither the caller
///           nor the moments file gives is the number of entries, for a token embedding a tenth of
///           that. If errors are those of outputs, it is divided by the error at 4 bits an entry
///           relative to 2^-8: so a layer gets as many bits as without moments, although some
///           layers have small errors at few bits. Tensors without candidates are copied.
/// Errors    BudgetError, with the smallest possible size, when the budget cannot be met, and when a
///           tensor that the user named, or every tensor, has no candidates.
std::vector<PlannedTensor> plan_by_surveys(const Job& job, std::span<const TensorSurvey> surveys,
                                           const std::map<std::size_t, double>& importance);

/// Why tensors are left as they are, by their number in the selection.
using LeftAlone = std::map<std::size_t, std::string>;

/// The tensors that a plan leaves alone.
LeftAlone left_alone_by(std::span<const PlannedTensor> plans, const Job& job);

/// Errors    BudgetError, with the reason, if the user named the tensor with --include.
void require_not_named(const SelectedTensor& tensor, const std::string& reason);

/// Errors    those of require_not_named(); BudgetError if no tensor is left.
void require_some_encoded(const Job& job, const LeftAlone& reasons);

/// Notes why tensors are left alone.
void note_left_alone(Job& job, const LeftAlone& reasons);

}  // namespace loewner
