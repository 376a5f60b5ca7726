// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/argument_check.hpp"
#include "compress/job.hpp"
#include "compress/moments_store.hpp"
#include "compress/part_store.hpp"
#include "compress/plan_store.hpp"
#include "compress/planning.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {

/// What a session knows: its work, its stage, the parts in it, and the plan.
struct CompressSession::State {
  State(CompressOptions given, const std::string& work, StageUse stage_use);

  static const detail::ArgumentCheck& check() {
    static const detail::ArgumentCheck kCheck("CompressSession");
    return kCheck;
  }
  const SelectedTensor& tensor(std::size_t number) const {
    check().that(number < surveys.size(), [&] {
      return "there are " + std::to_string(surveys.size()) + " tensors, got number " + std::to_string(number);
    });
    return job.selection.tensors[number];
  }
  void require_open() const {
    check().that(parts.has_value(),
                 [] { return std::string("a dry run, a complete output and a finished session have no encodings"); });
  }
  void keep_survey(std::size_t number, TensorSurvey survey) {
    const std::lock_guard lock(mutex);
    surveys[number] = std::move(survey);
  }
  // Whether there is a survey in memory or in the stage; takes it from there.
  bool finds_survey(std::size_t number);
  // The same for all tensors, which lie in one file once a worker has planned.
  bool finds_all_surveys();
  void make_survey(std::size_t number);
  PlanStore plan_store() const { return PlanStore(*staged); }
  void leave_alone(std::size_t number, const std::string& reason) {
    const std::lock_guard lock(mutex);
    plans[number].is_copied = true;
    left_alone.emplace(number, reason);
  }
  bool has_survey(std::size_t number) const {
    const std::lock_guard lock(mutex);
    return surveys[number].has_value();
  }
  void require_plan() const {
    check().that(!plans.empty(), [] { return std::string("plan() comes first"); });
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
  const StageUse use;
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

}  // namespace loewner
