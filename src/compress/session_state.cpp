// SPDX-License-Identifier: Apache-2.0
#include "compress/session_state.hpp"

#include <utility>

#include "linalg/blas_memory.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

CompressOptions usable(CompressOptions options) {
  require_usable(options);
  blas::reserve_memory();
  return options;
}

bool has_complete_output(const Job& job, StageUse use) {
  const IfExists if_exists = job.options.if_exists;
  const bool looks = if_exists == IfExists::resume || (use != StageUse::alone && if_exists != IfExists::overwrite);
  if (!looks || !fs::exists(job.options.output / "config.json")) return false;
  const Checkpoint output = Checkpoint::open(job.options.output);
  return output.quantization_method() == kQuantizationMethod &&
         output.config().at("quantization_config").value("source", "") == job.fingerprint;
}

}  // namespace

CompressSession::State::State(CompressOptions given, const std::string& work, StageUse stage_use)
    : options(usable(std::move(given))),
      job(options, work),
      use(stage_use),
      is_complete(!options.dry_run && has_complete_output(job, use)) {
  surveys.resize(job.selection.tensors.size());
  is_done.resize(surveys.size());
  if (options.dry_run || is_complete) return;
  staged.emplace(options.output, job.fingerprint, options.if_exists, use);
  parts.emplace(job, *staged);
  for (const auto number : parts->saved()) is_done.at(number) = true;
}

bool CompressSession::State::finds_survey(std::size_t number) {
  if (has_survey(number)) return true;
  if (!staged) return false;
  auto found = plan_store().survey(number);
  if (found) keep_survey(number, std::move(*found));
  return found.has_value();
}

bool CompressSession::State::finds_all_surveys() {
  if (!staged) return false;
  auto found = plan_store().all_surveys();
  if (found.size() != surveys.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) keep_survey(i, std::move(found[i]));
  return true;
}

void CompressSession::State::make_survey(std::size_t number) {
  if (finds_survey(number)) return;  // since the last look
  const auto moments = planning_moments(job, tensor(number));
  auto survey = survey_tensor(job, tensor(number), moments ? &*moments : nullptr);
  if (use == StageUse::worker) plan_store().keep_survey(number, survey);
  keep_survey(number, std::move(survey));
}

}  // namespace loewner
