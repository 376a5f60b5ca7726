// SPDX-License-Identifier: Apache-2.0
#include "compress/dry_run.hpp"

#include <cmath>

#include "compress/assembly.hpp"
#include "compress/tensor_request.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"

namespace loewner {
namespace {

TensorReport predicted_report(const Job& job, const SelectedTensor& tensor, const PlannedTensor& plan,
                              const TensorSurvey& survey) {
  EncodeRequest budget;
  budget.max_bytes = plan.max_bytes;
  budget.max_error = plan.max_error;
  const Candidate candidate = best_candidate(budget, survey.candidates);
  TensorReport report;
  report.name = tensor.name();
  report.role = to_string(tensor.place.role);
  report.rows = tensor.rows();
  report.cols = tensor.cols();
  report.method = to_string(candidate.method);
  report.rank = candidate.rank;
  report.bits = candidate.bits;
  report.norm_exponent = job.options.norm_exponent;
  report.row_weights = row_weights_of(job, tensor).description;
  report.bytes_before = stored_bytes(job.checkpoint, {tensor.name()});
  report.bytes_after = candidate.point.bytes;
  report.predicted_error = std::sqrt(candidate.point.error);
  return report;
}

}  // namespace

CompressReport predict_output(const Job& job, std::span<const PlannedTensor> plans,
                              std::span<const TensorSurvey> surveys, LeftAlone& left_alone) {
  CompressReport report;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].is_copied) continue;
    try {
      report.tensors.push_back(predicted_report(job, job.selection.tensors[i], plans[i], surveys[i]));
    } catch (const BudgetError& error) {
      require_not_named(job.selection.tensors[i], error.what());
      left_alone.emplace(i, error.what());
    }
  }
  report.weights_before = job.checkpoint.weight_bytes();
  report.weights_after = report.weights_before;
  for (const auto& tensor : report.tensors) report.weights_after += tensor.bytes_after - tensor.bytes_before;
  report.folder_before = folder_bytes(job.checkpoint.folder());
  report.folder_after = report.folder_before + report.weights_after - report.weights_before;
  return report;
}

}  // namespace loewner
