// SPDX-License-Identifier: Apache-2.0
#include "compress/planning.hpp"

#include <algorithm>

#include "compress/notes_by_reason.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"

namespace loewner {
namespace {

// An upper bound of the bytes of the header entries (five arrays at most) and the specification of
// an encoded tensor.
Index metadata_bytes(const SelectedTensor& tensor) {
  Index bytes = 800 + 5 * (90 + static_cast<Index>(tensor.name().size()));
  for (const auto& copy : tensor.tied) bytes += static_cast<Index>(copy.size()) + 4;
  return bytes;
}

// The bytes for all tensors that are not copied, metadata included.
Index whole_budget(const Job& job, std::span<const PlannedTensor> plans) {
  Index before = 0, copies = 0;
  double weights = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].is_copied) continue;
    const auto& tensor = job.selection.tensors[i];
    before += stored_bytes(job.checkpoint, {tensor.name()});
    copies += stored_bytes(job.checkpoint, tensor.tied);
    weights += static_cast<double>(tensor.rows() * tensor.cols());
  }
  const auto& options = job.options;
  if (options.keep) return static_cast<Index>(*options.keep * static_cast<double>(before));
  if (options.bits) return static_cast<Index>(*options.bits * weights / 8);
  const Index others = job.checkpoint.weight_bytes() - before - copies;
  if (others < *options.budget) return *options.budget - others;
  throw BudgetError("the budget is " + std::to_string(*options.budget) +
                    " bytes, but the weights that stay as they are take " + std::to_string(others) +
                    "; select more tensors (--all selects all matrices) or allow more bytes");
}

Index array_budget(const Job& job, std::span<const PlannedTensor> plans) {
  Index budget = whole_budget(job, plans);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i].is_copied) budget -= metadata_bytes(job.selection.tensors[i]);
  }
  return budget;
}

// Weights in proportion to the number of entries give layers of all sizes the same bits. The
// weighted error of a table already gives rare rows a small weight; a tenth of its entries keeps a
// table near two bits when layers have four (docs/design/planning.md). Every token meets a position
// and a type, so their errors count more; the tables are small.
double importance_of(const SelectedTensor& tensor) {
  const auto entries = static_cast<double>(tensor.rows() * tensor.cols());
  switch (tensor.place.role) {
    case TensorRole::token_embedding:
      return 0.1 * entries;
    case TensorRole::position_embedding:
    case TensorRole::type_embedding:
      return 10 * entries;
    default:
      return entries;
  }
}

// Entries times the error at 4 bits an entry, relative to that of a Gaussian at the bound.
double importance_of(const SelectedTensor& tensor, const TensorSurvey& survey) {
  if (!survey.of_outputs || survey.candidates.empty()) return importance_of(tensor);
  constexpr double kBound = 1.0 / 256;  // 2^-8
  const Index bytes = tensor.rows() * tensor.cols() / 2;
  double error = 1;
  for (const auto& candidate : survey.candidates) {
    if (candidate.point.bytes <= bytes) error = std::min(error, candidate.point.error);
  }
  return importance_of(tensor) * kBound / std::max(error, 1e-12);
}

double importance_of(const Job& job, std::size_t number, const TensorSurvey& survey,
                     const std::map<std::size_t, double>& given) {
  if (const auto found = given.find(number); found != given.end()) return found->second;
  const auto& tensor = job.selection.tensors[number];
  if (job.moments) {
    const auto& stored = job.moments->description().importance;
    if (const auto found = stored.find(tensor.name()); found != stored.end()) return found->second;
  }
  return importance_of(tensor, survey);
}

std::vector<RatePoint> curve_of(const std::vector<Candidate>& offers, double importance) {
  std::vector<RatePoint> points;
  points.reserve(offers.size());
  for (const auto& offer : offers) points.push_back({offer.point.bytes, importance * offer.point.error});
  return points;
}

}  // namespace

TensorSurvey survey_tensor(const Job& job, const SelectedTensor& tensor, const InputMoments* moments) {
  const TensorRequest request(job, tensor, TensorBudget{}, memory_limit(job.options), moments);
  return {.candidates = candidates(request.request()),
          .of_outputs = moments != nullptr && tensor.inputs() && info_of(job.options.method).weighs_outputs};
}

void fetch(const Job& job, const SelectedTensor& tensor) {
  job.checkpoint.shard_of(*tensor.tensor).file->will_need(*tensor.tensor->info);
}

bool is_shared(const Job& job) {
  return !job.options.max_error && job.selection.tensors.size() > 1;
}

std::vector<PlannedTensor> plan_without_candidates(const Job& job) {
  std::vector<PlannedTensor> plans(job.selection.tensors.size());
  for (auto& plan : plans) plan.max_error = job.options.max_error;
  if (!job.options.max_error) plans[0].max_bytes = array_budget(job, plans);
  return plans;
}

std::vector<PlannedTensor> plan_by_surveys(const Job& job, std::span<const TensorSurvey> surveys,
                                           const std::map<std::size_t, double>& importance) {
  std::vector<PlannedTensor> plans(surveys.size());
  std::vector<std::vector<RatePoint>> curves;
  for (std::size_t i = 0; i < surveys.size(); ++i) {
    const auto& offers = surveys[i].candidates;
    plans[i].is_copied = offers.empty();
    if (!offers.empty()) curves.push_back(curve_of(offers, importance_of(job, i, surveys[i], importance)));
  }
  require_some_encoded(job, left_alone_by(plans, job));
  const Allocation allocation = allocate(curves, array_budget(job, plans));
  for (std::size_t i = 0, curve = 0; i < surveys.size(); ++i) {
    if (plans[i].is_copied) continue;
    const RatePoint& point = surveys[i].candidates[allocation.chosen[curve++]].point;
    plans[i].max_bytes = point.bytes;
    plans[i].predicted_error = point.error;
  }
  return plans;
}

LeftAlone left_alone_by(std::span<const PlannedTensor> plans, const Job& job) {
  LeftAlone reasons;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i].is_copied) continue;
    reasons.emplace(i, "method " + std::string(to_string(job.options.method)) +
                           " has no encoding that is smaller than the matrix itself");
  }
  return reasons;
}

void require_not_named(const SelectedTensor& tensor, const std::string& reason) {
  if (tensor.is_named) throw BudgetError(tensor.name() + ": " + reason);
}

void require_some_encoded(const Job& job, const LeftAlone& reasons) {
  const auto& tensors = job.selection.tensors;
  for (const auto& [number, reason] : reasons) require_not_named(tensors[number], reason);
  if (!tensors.empty() && reasons.size() == tensors.size())
    throw BudgetError(tensors[0].name() + ": " + reasons.begin()->second);
}

void note_left_alone(Job& job, const LeftAlone& reasons) {
  const auto& max_error = job.options.max_error;
  const std::string shared = max_error ? "no encoding smaller than the matrix itself has a relative error of at most " +
                                             std::to_string(*max_error)
                                       : "";  // the reasons name sizes and ranks
  detail::NotesByReason notes;
  for (const auto& [number, reason] : reasons)
    notes.add(job.selection.tensors[number].name(), (max_error ? shared : reason) + "; left as it is");
  notes.append_to(job.selection.notes, ": ");
}

}  // namespace loewner
