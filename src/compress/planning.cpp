// SPDX-License-Identifier: Apache-2.0
#include "compress/planning.hpp"

#include <algorithm>
#include <ranges>

#include "compress/notes_by_reason.hpp"
#include "loewner/base/cancellation.hpp"
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

// The bytes for all selected tensors, metadata included.
Index whole_budget(const Job& job) {
  Index before = 0, copies = 0;
  double weights = 0;
  for (const auto& tensor : job.selection.tensors) {
    before += stored_bytes(job.checkpoint, {tensor.name()});
    copies += stored_bytes(job.checkpoint, tensor.tied);
    weights += static_cast<double>(tensor.rows() * tensor.cols());
  }
  const auto& options = job.options;
  if (options.keep) return static_cast<Index>(*options.keep * static_cast<double>(before));
  if (options.bits) return static_cast<Index>(*options.bits * weights / 8);
  return *options.budget - (job.checkpoint.weight_bytes() - before - copies);
}

Index array_budget(const Job& job) {
  Index budget = whole_budget(job);
  for (const auto& tensor : job.selection.tensors) budget -= metadata_bytes(tensor);
  return budget;
}

// Weights in proportion to the number of entries give layers of all sizes the same bits. The
// weighted error of a table already gives rare rows a small weight; a tenth of its entries keeps a
// table near two bits when layers have four (docs/design/planning.md).
double importance_of(const SelectedTensor& tensor) {
  const auto entries = static_cast<double>(tensor.rows() * tensor.cols());
  return tensor.place.role == TensorRole::token_embedding ? 0.1 * entries : entries;
}

std::vector<Candidate> offers_for(const Job& job, const SelectedTensor& tensor) {
  const TensorRequest request(job, tensor, {}, memory_limit(job.options));
  return candidates(request.request());
}

// Tensors without an offer leave the selection.
void leave_alone_without_offer(Job& job, std::vector<TensorPlan>& plans) {
  std::map<std::size_t, std::string> reasons;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i].offers.empty()) continue;
    reasons.emplace(i, "method " + std::string(to_string(job.options.method)) +
                           " has no encoding that is smaller than the matrix itself");
  }
  note_left_alone(job, reasons);
  auto& tensors = job.selection.tensors;
  for (const auto& entry : reasons | std::views::reverse)
    tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(entry.first));
  std::erase_if(plans, [](const TensorPlan& plan) { return plan.offers.empty(); });
}

// Makes the disk read the next tensor while the processors plan this one.
void fetch(const Job& job, const SelectedTensor& tensor) {
  job.checkpoint.shard_of(*tensor.tensor).file->will_need(*tensor.tensor->info);
}

std::vector<RatePoint> curve_of(const TensorPlan& plan, double importance) {
  std::vector<RatePoint> points;
  for (const auto& offer : plan.offers) points.push_back({offer.point.bytes, importance * offer.point.error});
  return points;
}

}  // namespace

void require_not_named(const SelectedTensor& tensor, const std::string& reason) {
  if (tensor.is_named) throw BudgetError(tensor.name() + ": " + reason);
}

void note_left_alone(Job& job, const std::map<std::size_t, std::string>& reasons) {
  const auto& tensors = job.selection.tensors;
  const auto& max_error = job.options.max_error;
  const std::string shared = max_error ? "no encoding smaller than the matrix itself has a relative error of at most " +
                                             std::to_string(*max_error)
                                       : "";  // the reasons name sizes and ranks
  detail::NotesByReason notes;
  for (const auto& [number, reason] : reasons) {
    require_not_named(tensors[number], reason);
    notes.add(tensors[number].name(), (max_error ? shared : reason) + "; left as it is");
  }
  if (!tensors.empty() && reasons.size() == tensors.size())
    throw BudgetError(tensors[0].name() + ": " + reasons.begin()->second);
  notes.append_to(job.selection.notes, ": ");
}

std::vector<TensorPlan> share_budget(Job& job, const std::function<void(const SelectedTensor&)>& progress) {
  const auto& tensors = job.selection.tensors;
  std::vector<TensorPlan> plans(tensors.size());
  for (auto& plan : plans) plan.budget.max_error = job.options.max_error;
  if (job.options.max_error) return plans;
  if (tensors.size() == 1) {
    plans[0].budget.max_bytes = array_budget(job);
    return plans;
  }
  std::vector<std::vector<RatePoint>> curves;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    throw_if_cancelled();
    progress(tensors[i]);
    if (i + 1 < tensors.size()) fetch(job, tensors[i + 1]);
    plans[i].offers = offers_for(job, tensors[i]);
  }
  leave_alone_without_offer(job, plans);
  for (std::size_t i = 0; i < tensors.size(); ++i) curves.push_back(curve_of(plans[i], importance_of(tensors[i])));
  const Allocation allocation = allocate(curves, array_budget(job));
  for (std::size_t i = 0; i < tensors.size(); ++i) plans[i].budget.max_bytes = curves[i][allocation.chosen[i]].bytes;
  return plans;
}

}  // namespace loewner
