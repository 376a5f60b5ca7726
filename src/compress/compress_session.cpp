// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/compress_session.hpp"

#include <chrono>
#include <mutex>
#include <utility>

#include "base/argument_check.hpp"
#include "compress/assembly.hpp"
#include "compress/dry_run.hpp"
#include "compress/job.hpp"
#include "compress/moments_store.hpp"
#include "compress/part_store.hpp"
#include "compress/planning.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/study.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

const detail::ArgumentCheck kCheck("CompressSession");

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

CompressOptions usable(CompressOptions options) {
  require_usable(options);
  blas::reserve_memory();
  return options;
}

bool has_complete_output(const Job& job) {
  if (job.options.if_exists != IfExists::resume || !fs::exists(job.options.output / "config.json")) return false;
  const Checkpoint output = Checkpoint::open(job.options.output);
  return output.quantization_method() == kQuantizationMethod &&
         output.config().at("quantization_config").value("source", "") == job.fingerprint;
}

}  // namespace

struct CompressSession::State {
  State(CompressOptions given, const std::string& work)
      : options(usable(std::move(given))),
        job(options, work),
        is_complete(!options.dry_run && has_complete_output(job)) {
    surveys.resize(job.selection.tensors.size());
    is_done.resize(surveys.size());
    if (options.dry_run || is_complete) return;
    staged.emplace(options.output, job.fingerprint, options.if_exists);
    parts.emplace(job, *staged);
    for (std::size_t i = 0; i < is_done.size(); ++i) is_done[i] = parts->has(i);
  }

  const SelectedTensor& tensor(std::size_t number) const {
    kCheck.that(number < surveys.size(), [&] {
      return "there are " + std::to_string(surveys.size()) + " tensors, got number " + std::to_string(number);
    });
    return job.selection.tensors[number];
  }
  void require_open() const {
    kCheck.that(parts.has_value(),
                [] { return std::string("a dry run, a complete output and a finished session have no encodings"); });
  }
  bool has_survey(std::size_t number) const {
    const std::lock_guard lock(mutex);
    return surveys[number].has_value();
  }
  void require_plan() const {
    kCheck.that(!plans.empty(), [] { return std::string("plan() comes first"); });
  }
  std::vector<TensorSurvey> all_surveys() const {
    const std::lock_guard lock(mutex);
    std::vector<TensorSurvey> all;
    for (const auto& survey : surveys) all.push_back(*survey);
    return all;
  }
  PlannedTensor planned(std::size_t number) const {
    const std::lock_guard lock(mutex);
    require_plan();
    return plans[number];
  }
  MomentsStore moments() const {
    require_open();
    return {job, *staged};
  }
  // Encodings that are kept take memory.
  Index free_memory() const { return parts ? parts->free_memory() : memory_limit(options); }

  CompressReport publish(const Json& calibration, const std::map<std::string, Json>& of_tensors,
                         const ProgressCallback& progress);

  const CompressOptions options;
  Job job;
  bool is_complete;
  std::optional<StagedFolder> staged;
  std::optional<PartStore> parts;
  std::vector<bool> is_done;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

  mutable std::mutex mutex;  // of the following
  std::vector<std::optional<TensorSurvey>> surveys;
  std::vector<PlannedTensor> plans;  // empty before plan()
  LeftAlone left_alone;              // tensors that are copied
};

CompressReport CompressSession::State::publish(const Json& calibration, const std::map<std::string, Json>& of_tensors,
                                               const ProgressCallback& progress) {
  require_open();
  require_plan();
  std::vector<std::shared_ptr<const Part>> finished;
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].is_copied) continue;
    const std::string& name = job.selection.tensors[i].name();
    kCheck.that(parts->has(i), [&] { return name + " is not encoded yet"; });
    finished.push_back(parts->at(i));
    if (is_done[i]) notes.push_back(name + " was finished by an earlier run");
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

CompressSession::CompressSession(CompressOptions options, const std::string& work)
    : state_(std::make_unique<State>(std::move(options), work)) {}

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

bool CompressSession::is_done(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  return state_->is_done[tensor];
}

void CompressSession::survey(std::size_t tensor, const InputMoments* moments) {
  auto found = survey_tensor(state_->job, state_->tensor(tensor), moments);
  const std::lock_guard lock(state_->mutex);
  state_->surveys[tensor] = std::move(found);
}

std::vector<Candidate> CompressSession::candidates(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  const std::lock_guard lock(state_->mutex);
  return state_->surveys[tensor] ? state_->surveys[tensor]->candidates : std::vector<Candidate>{};
}

std::vector<PlannedTensor> CompressSession::plan(const std::map<std::size_t, double>& importance,
                                                 const std::function<void(std::size_t)>& progress) {
  State& state = *state_;
  for (const auto& [tensor, value] : importance) {
    kCheck.positive_and_finite("the importance of " + state.tensor(tensor).name(), value);
  }
  std::vector<PlannedTensor> plans;
  if (is_shared(state.job)) {
    survey_missing(progress);
    plans = plan_by_surveys(state.job, state.all_surveys(), importance);
  } else {
    plans = plan_without_candidates(state.job);
  }
  const std::lock_guard lock(state.mutex);
  state.left_alone = left_alone_by(plans, state.job);
  return state.plans = std::move(plans);
}

void CompressSession::survey_missing(const std::function<void(std::size_t)>& progress) {
  for (std::size_t i = 0; i < tensors().size(); ++i) {
    throw_if_cancelled();
    if (progress) progress(i);
    if (i + 1 < tensors().size()) fetch(state_->job, tensors()[i + 1]);
    if (state_->has_survey(i)) continue;
    const auto moments = planning_moments(state_->job, tensors()[i]);
    survey(i, moments ? &*moments : nullptr);
  }
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
  kCheck.that(!plan.is_copied, [&] { return selected.name() + " is copied: no encoding of it meets the budget"; });
  kCheck.that(!state.parts->has(tensor), [&] { return selected.name() + " is encoded already"; });
  const TensorBudget budget{
      .max_bytes = plan.max_bytes, .max_error = plan.max_error, .predicted_error = plan.predicted_error};
  try {
    state.parts->add(tensor, encode_part(state.job, selected, budget, state.free_memory(), moments));
  } catch (const NoEncoding& error) {
    require_not_named(selected, error.what());
    const std::lock_guard lock(state.mutex);
    state.plans[tensor].is_copied = true;
    state.left_alone.emplace(tensor, error.what());
  }
}

Matrix<float> CompressSession::decoded(std::size_t tensor) const {
  const SelectedTensor& selected = state_->tensor(tensor);
  state_->require_open();
  kCheck.that(state_->parts->has(tensor), [&] { return selected.name() + " is not encoded yet"; });
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
  const CancellationScope to_the_end([] { return false; });  // the signal that ends the session wants to stop this too
  state_->staged->keep_parts();
  state_->parts->save();
}

}  // namespace loewner
