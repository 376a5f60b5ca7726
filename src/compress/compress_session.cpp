// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/compress_session.hpp"

#include <chrono>
#include <mutex>
#include <utility>

#include "compress/assembly.hpp"
#include "compress/dry_run.hpp"
#include "compress/session_state.hpp"
#include "compress/tensor_request.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/study.hpp"

namespace loewner {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

CompressReport CompressSession::State::publish(const Json& calibration, const std::map<std::string, Json>& of_tensors,
                                               const ProgressCallback& progress) {
  require_open();
  require_plan();
  std::vector<std::shared_ptr<const Part>> finished;
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].is_copied) continue;
    const std::string& name = job.selection.tensors[i].name();
    State::check().that(parts->has(i), [&] { return name + " is not encoded yet"; });
    finished.push_back(parts->at(i));
    if (is_done[i] && use == StageUse::alone) notes.push_back(name + " was finished by an earlier run");
  }
  require_some_encoded(job, left_alone);
  note_left_alone(job, left_alone);
  if (!options.save_moments.empty()) moments().save(options.save_moments);
  CompressReport report = assemble(job, finished, {calibration, of_tensors}, *staged, progress);
  staged->publish();
  parts.reset();
  report.notes = std::move(notes);
  return report;
}

CompressSession::CompressSession(CompressOptions options, const std::string& work, StageUse use)
    : state_(std::make_unique<State>(std::move(options), work, use)) {}

CompressSession::~CompressSession() = default;

bool CompressSession::is_dry_run() const {
  return state_->options.dry_run;
}

bool CompressSession::is_complete() const {
  return state_->is_complete;
}

std::string CompressSession::model_fingerprint() const {
  return hex_text(state_->job.checkpoint.fingerprint());
}

const std::vector<SelectedTensor>& CompressSession::tensors() const {
  return state_->job.selection.tensors;
}

std::optional<InputMoments> CompressSession::stored_moments(std::size_t tensor) const {
  return loewner::stored_moments(state_->job, state_->tensor(tensor));
}

void CompressSession::keep_moments(std::size_t tensor, MomentsUse use, const InputMoments& moments,
                                   std::optional<std::size_t> same_as) {
  (void)state_->tensor(tensor);
  (void)state_->tensor(same_as.value_or(tensor));
  state_->moments().keep(tensor, use, moments, same_as);
}

std::optional<InputMoments> CompressSession::kept_moments(std::size_t tensor, MomentsUse use) const {
  (void)state_->tensor(tensor);
  return state_->moments().kept(tensor, use);
}

void CompressSession::keep_importance(const KeptImportance& importance) {
  state_->moments().keep_importance(importance);
}

std::optional<KeptImportance> CompressSession::kept_importance() const {
  return state_->moments().importance();
}

Index CompressSession::max_memory() const {
  return memory_limit(state_->options);
}

Index CompressSession::encoding_memory(std::size_t tensor) const {
  return loewner::encoding_memory(state_->job, state_->tensor(tensor));
}

bool CompressSession::is_done(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  return state_->is_done[tensor];
}

TriedEncoding CompressSession::try_encoding(std::size_t tensor, Index max_bytes, const InputMoments* moments) {
  const SelectedTensor& selected = state_->tensor(tensor);
  const TensorBudget budget{.max_bytes = max_bytes, .max_error = {}, .predicted_error = {}};
  Part part;
  try {
    part = encode_part(state_->job, selected, budget, state_->free_memory(), moments);
  } catch (const NoEncoding& error) {
    throw BudgetError(selected.name() + ": " + error.what());
  }
  TriedEncoding tried{.decoded = decoded_part(part)};
  for (const auto& array : part.arrays) tried.bytes += array.bytes();
  return tried;
}

void CompressSession::encode(std::size_t tensor, const InputMoments* moments) {
  State& state = *state_;
  const SelectedTensor& selected = state.tensor(tensor);
  state.require_open();
  const PlannedTensor plan = state.planned(tensor);
  State::check().that(!plan.is_copied,
                      [&] { return selected.name() + " is copied: no encoding of it meets the budget"; });
  State::check().that(!state.parts->has(tensor), [&] { return selected.name() + " is encoded already"; });
  const TensorBudget budget{
      .max_bytes = plan.max_bytes, .max_error = plan.max_error, .predicted_error = plan.predicted_error};
  try {
    state.parts->add(tensor, encode_part(state.job, selected, budget, state.free_memory(), moments));
  } catch (const NoEncoding& error) {
    require_not_named(selected, error.what());
    if (state.use == StageUse::worker) state.plan_store().keep_left_alone(tensor, error.what());
    state.leave_alone(tensor, error.what());
  }
}

Matrix<float> CompressSession::decoded(std::size_t tensor) const {
  const SelectedTensor& selected = state_->tensor(tensor);
  state_->require_open();
  State::check().that(state_->parts->has(tensor), [&] { return selected.name() + " is not encoded yet"; });
  return decoded_part(*state_->parts->at(tensor));
}

CompressReport CompressSession::finish(const Json& calibration, const std::map<std::string, Json>& of_tensors,
                                       const ProgressCallback& progress) {
  CompressReport report;
  if (state_->options.dry_run) {
    state_->require_plan();
    survey_missing({});
    report = predict_output(state_->job, state_->plans, state_->all_surveys(), state_->left_alone);
    require_some_encoded(state_->job, state_->left_alone);
    note_left_alone(state_->job, state_->left_alone);
  } else if (state_->is_complete) {
    report = claimed_report(Checkpoint::open(state_->options.output), &state_->job.checkpoint);
    report.notes.push_back("the output was already complete");
    if (!state_->options.save_moments.empty())
      report.notes.push_back("its moments are not saved: a run keeps them until the output is complete");
    StagedFolder::remove_leftovers(state_->options.output);
  } else {
    report = state_->publish(calibration, of_tensors, progress);
  }
  const auto& notes = state_->job.selection.notes;
  report.notes.insert(report.notes.begin(), notes.begin(), notes.end());
  report.seconds = seconds_since(state_->start);
  return report;
}

void CompressSession::keep_parts() {
  if (!state_->parts) return;
  const CancellationScope to_the_end([] { return false; });  // not stopped by the signal that ends the session
  state_->staged->keep_parts();
  state_->parts->save();
}

}  // namespace loewner
