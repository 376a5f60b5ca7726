// SPDX-License-Identifier: Apache-2.0
#include "compress/plan_store.hpp"

#include <algorithm>
#include <charconv>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecord = "record.json";
constexpr std::string_view kWorkers = "workers-";

std::string survey_part(std::size_t tensor) {
  return "survey-" + std::to_string(tensor);
}

std::string left_alone_part(std::size_t tensor) {
  return "left-alone-" + std::to_string(tensor);
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
  const Json record = parse_json_object(detail::read_text_file(path, Index{1} << 26), path.string());
  try {
    return read(record);
  } catch (const std::exception& error) {
    throw IoError(path.string() + ": is damaged: " + error.what());
  }
}

}  // namespace

void PlanStore::keep_survey(std::size_t tensor, const TensorSurvey& survey) const {
  Json record = {{"of_outputs", survey.of_outputs}, {"candidates", Json::array()}};
  for (const auto& candidate : survey.candidates) record["candidates"].push_back(candidate_to_json(candidate));
  keep_record(staged_, survey_part(tensor), record);
}

std::optional<TensorSurvey> PlanStore::survey(std::size_t tensor) const {
  return kept_record(staged_, survey_part(tensor), [](const Json& record) {
    TensorSurvey survey{.candidates = {}, .of_outputs = record.at("of_outputs").get<bool>()};
    for (const auto& json : record.at("candidates")) survey.candidates.push_back(candidate_from(json));
    return survey;
  });
}

void PlanStore::keep_left_alone(std::size_t tensor, const std::string& reason) const {
  keep_record(staged_, left_alone_part(tensor), {{"reason", reason}});
}

std::optional<std::string> PlanStore::reason_left_alone(std::size_t tensor) const {
  return kept_record(staged_, left_alone_part(tensor),
                     [](const Json& record) { return record.at("reason").get<std::string>(); });
}

void PlanStore::keep_worker_count(std::size_t count) const {
  keep_record(staged_, std::string(kWorkers) + std::to_string(count), {{"workers", count}});
}

std::size_t PlanStore::worker_count() const {
  std::size_t largest = 0;
  for (const auto& name : staged_.part_names()) {
    if (!name.starts_with(kWorkers)) continue;
    std::size_t count = 0;
    std::from_chars(name.data() + kWorkers.size(), name.data() + name.size(), count);
    largest = std::max(largest, count);
  }
  return largest;
}

}  // namespace loewner
