// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compress/planning.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {

/// What the workers of a run tell each other about its plan. Each piece is a durable part of the
/// stage, so each worker comes to the same plan, and the assembly too.
class PlanStore {
 public:
  explicit PlanStore(const StagedFolder& staged) : staged_(staged) {}

  /// The survey of a tensor, by the tensor's number; none if no worker kept one.
  void keep_survey(std::size_t tensor, const TensorSurvey& survey) const;
  std::optional<TensorSurvey> survey(std::size_t tensor) const;
  bool has_survey(std::size_t tensor) const;

  /// The surveys of all tensors in one piece, for runs of many tensors; empty if nobody kept them.
  void keep_all_surveys(std::span<const TensorSurvey> surveys) const;
  std::vector<TensorSurvey> all_surveys() const;

  /// Why a tensor is copied although the plan has an encoding for it; none for the others.
  void keep_left_alone(std::size_t tensor, const std::string& reason) const;
  std::optional<std::string> reason_left_alone(std::size_t tensor) const;

  /// The same for all tensors, by number.
  std::map<std::size_t, std::string> reasons_left_alone() const;

  /// Among how many workers the run is divided; 0 before a worker said so. Of several, the largest.
  void keep_worker_count(std::size_t count) const;
  std::size_t worker_count() const;

 private:
  const StagedFolder& staged_;
};

}  // namespace loewner
