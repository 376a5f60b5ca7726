// SPDX-License-Identifier: Apache-2.0
#include "compress/plan_store.hpp"

#include <algorithm>
#include <exception>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecord = "record.json";
constexpr const char* kAllSurveys = "surveys";
constexpr std::string_view kSurvey = "survey-", kLeftAlone = "left-alone-", kWorkers = "workers-";

std::string numbered(std::string_view start, std::size_t number) {
  return std::string(start) + std::to_string(number);
}

// Numbers are printed with all digits that tell them apart, so the plan has the same bits.
Json candidate_to_json(const Candidate& candidate) {
  Json json = {
      {"method", to_string(candidate.method)}, {"bytes", candidate.point.bytes}, {"error", candidate.point.error}};
  if (candidate.rank) json["rank"] = *candidate.rank;
  if (candidate.bits) json["bits"] = *candidate.bits;
  return json;
}

Candidate candidate_from(const Json& json) {
  Candidate candidate;
  candidate.method = method_from_string(json.at("method").get<std::string>()).value();
  candidate.point = {json.at("bytes").get<Index>(), json.at("error").get<double>()};
  if (json.contains("rank")) candidate.rank = json.at("rank").get<Index>();
  if (json.contains("bits")) candidate.bits = json.at("bits").get<double>();
  return candidate;
}

Json survey_to_json(const TensorSurvey& survey) {
  Json record = {{"of_outputs", survey.of_outputs}, {"candidates", Json::array()}};
  for (const auto& candidate : survey.candidates) record["candidates"].push_back(candidate_to_json(candidate));
  return record;
}

TensorSurvey survey_from(const Json& record) {
  TensorSurvey survey{.candidates = {}, .of_outputs = record.at("of_outputs").get<bool>()};
  for (const auto& json : record.at("candidates")) survey.candidates.push_back(candidate_from(json));
  return survey;
}

void keep_record(const StagedFolder& staged, const std::string& part, const Json& record) {
  staged.make_part(part, [&](const fs::path& folder) {
    detail::replace_file(folder / kRecord, record.dump(-1, ' ', false, Json::error_handler_t::replace));
  });
}

// Calls read(record) if there is a record.
template <typename Read>
auto kept_record(const StagedFolder& staged, const std::string& part, Read read)
    -> std::optional<decltype(read(Json()))> {
  if (!staged.has_part(part)) return std::nullopt;
  const fs::path path = staged.part(part) / kRecord;
  const Json record = parse_json_object(detail::read_text_file(path, Index{1} << 30), path.string());
  try {
    return read(record);
  } catch (const std::exception& error) {
    throw IoError(path.string() + ": is damaged: " + error.what());
  }
}

}  // namespace

void PlanStore::keep_survey(std::size_t tensor, const TensorSurvey& survey) const {
  keep_record(staged_, numbered(kSurvey, tensor), survey_to_json(survey));
}

std::optional<TensorSurvey> PlanStore::survey(std::size_t tensor) const {
  return kept_record(staged_, numbered(kSurvey, tensor), survey_from);
}

bool PlanStore::has_survey(std::size_t tensor) const {
  return staged_.has_part(numbered(kSurvey, tensor));
}

void PlanStore::keep_all_surveys(std::span<const TensorSurvey> surveys) const {
  Json records = Json::array();
  for (const auto& survey : surveys) records.push_back(survey_to_json(survey));
  keep_record(staged_, kAllSurveys, {{"surveys", std::move(records)}});
}

std::vector<TensorSurvey> PlanStore::all_surveys() const {
  const auto kept = kept_record(staged_, kAllSurveys, [](const Json& record) {
    std::vector<TensorSurvey> surveys;
    for (const auto& json : record.at("surveys")) surveys.push_back(survey_from(json));
    return surveys;
  });
  return kept.value_or(std::vector<TensorSurvey>());
}

void PlanStore::keep_left_alone(std::size_t tensor, const std::string& reason) const {
  keep_record(staged_, numbered(kLeftAlone, tensor), {{"reason", reason}});
}

std::optional<std::string> PlanStore::reason_left_alone(std::size_t tensor) const {
  return kept_record(staged_, numbered(kLeftAlone, tensor),
                     [](const Json& record) { return record.at("reason").get<std::string>(); });
}

std::map<std::size_t, std::string> PlanStore::reasons_left_alone() const {
  std::map<std::size_t, std::string> reasons;
  for (const auto tensor : staged_.part_numbers(kLeftAlone)) reasons.emplace(tensor, *reason_left_alone(tensor));
  return reasons;
}

void PlanStore::keep_worker_count(std::size_t count) const {
  keep_record(staged_, numbered(kWorkers, count), {{"workers", count}});
}

std::size_t PlanStore::worker_count() const {
  const auto counts = staged_.part_numbers(kWorkers);
  return counts.empty() ? 0 : std::ranges::max(counts);
}

}  // namespace loewner
