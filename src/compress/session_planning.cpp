// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "compress/session_state.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner {

bool CompressSession::is_made(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  state_->require_open();
  if (state_->parts->has(tensor) || state_->plan_store().reason_left_alone(tensor)) return true;
  const auto survey = is_shared(state_->job) ? state_->plan_store().survey(tensor) : std::nullopt;
  return survey && survey->candidates.empty();
}

bool CompressSession::is_surveyed(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  state_->require_open();
  return !is_shared(state_->job) || state_->has_survey(tensor) || state_->plan_store().has_survey(tensor);
}

bool CompressSession::is_copied(std::size_t tensor) const {
  (void)state_->tensor(tensor);
  return state_->planned(tensor).is_copied;
}

void CompressSession::keep_worker_count(std::size_t count) {
  state_->require_open();
  state_->plan_store().keep_worker_count(count);
}

std::size_t CompressSession::worker_count() const {
  state_->require_open();
  return state_->plan_store().worker_count();
}

void CompressSession::survey(std::size_t tensor, const InputMoments* moments) {
  state_->keep_survey(tensor, survey_tensor(state_->job, state_->tensor(tensor), moments));
}

bool CompressSession::survey_for_plan(std::size_t tensor) {
  State& state = *state_;
  (void)state.tensor(tensor);
  if (!is_shared(state.job) && !state.options.dry_run) return true;
  if (state.finds_survey(tensor)) return true;
  if (!state.staged) {
    state.make_survey(tensor);
    return true;
  }
  return state.staged->claim("survey-" + std::to_string(tensor), [&] { state.make_survey(tensor); });
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
    State::check().positive_and_finite("the importance of " + state.tensor(tensor).name(), value);
  }
  std::vector<PlannedTensor> plans;
  if (is_shared(state.job)) {
    survey_missing(progress);
    plans = plan_by_surveys(state.job, state.all_surveys(), importance);
  } else {
    plans = plan_without_candidates(state.job);
  }
  {
    const std::lock_guard lock(state.mutex);
    state.left_alone = left_alone_by(plans, state.job);
    state.plans = std::move(plans);
  }
  if (state.staged) {
    for (const auto& [tensor, reason] : state.plan_store().reasons_left_alone()) state.leave_alone(tensor, reason);
  }
  const std::lock_guard lock(state.mutex);
  return state.plans;
}

void CompressSession::survey_missing(const std::function<void(std::size_t)>& progress) {
  if (state_->finds_all_surveys()) return;
  std::vector<std::size_t> others;  // those that other workers are surveying
  for (std::size_t i = 0; i < tensors().size(); ++i) {
    throw_if_cancelled();
    if (progress) progress(i);
    if (i + 1 < tensors().size() && !state_->finds_survey(i + 1)) fetch(state_->job, tensors()[i + 1]);
    if (!survey_for_plan(i)) others.push_back(i);
  }
  while (!others.empty()) {
    throw_if_cancelled();
    if (std::erase_if(others, [&](std::size_t i) { return survey_for_plan(i); }) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (state_->use == StageUse::worker) state_->plan_store().keep_all_surveys(state_->all_surveys());
}

}  // namespace loewner
