// SPDX-License-Identifier: Apache-2.0
#include "compress/assembly.hpp"

#include <utility>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "compress/checksums.hpp"
#include "compress/output_config.hpp"
#include "compress/stored_claims.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/model_card.hpp"
#include "loewner/compress/rewrite.hpp"
#include "loewner/compress/study.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

constexpr const char* kCard = "README.md";

using Parts = std::vector<std::shared_ptr<const Part>>;

Replacements replacements_of(const Parts& parts) {
  Replacements replacements;
  for (const auto& part : parts) {
    replacements[part->tensor->name()] = part->arrays;
    for (const auto& copy : part->tensor->tied) replacements[copy] = {};
    for (const auto& scale : part->tensor->scales) replacements[scale] = {};
  }
  return replacements;
}

Json specifications_of(const Parts& parts, const std::map<std::string, Json>& calibration) {
  Json specifications = Json::object();
  for (const auto& part : parts) specifications[part->tensor->name()] = part->spec;
  for (const auto& [name, record] : calibration) {
    require(specifications.contains(name),
            [&name = name] { return "calibration: tensor '" + name + "' is not encoded"; });
    specifications[name]["calibration"] = record;
  }
  return specifications;
}

Json config_of(const Job& job, const Json& calibration, const Json& specifications) {
  Json config = job.checkpoint.config();
  Json quantization = {{"quant_method", kQuantizationMethod},
                       {"format_version", std::to_string(kFormatMajor) + "." + std::to_string(kFormatMinor)},
                       {"producer", std::string("loewner ") + LOEWNER_VERSION},
                       {"source", job.fingerprint}};
  detail::state_dtype(job.checkpoint, config, quantization);
  detail::state_base_card(job.checkpoint, quantization);
  if (!calibration.is_null()) quantization["calibration"] = calibration;
  quantization["tensors"] = specifications;
  config["quantization_config"] = std::move(quantization);
  return config;
}

void write_card(const Job& job, const CompressReport& report, const fs::path& folder) {
  const fs::path card = job.checkpoint.folder() / kCard;
  detail::replace_file(folder / kCard, model_card(job.options, report));
  if (fs::exists(card)) detail::copy_permissions(card, folder / kCard);
}

// Measures the errors of the numbers in the files, not of those in memory. Saved parts have theirs.
void measure(const Job& job, const Parts& parts, const std::vector<EncodedTensor>& encoded, Json& specifications) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (!parts[i]->checksum.empty()) continue;
    measure_errors(job, *parts[i]->tensor, *encoded[i].matrix, parts[i]->weights, specifications[encoded[i].name]);
  }
}

// Errors hold for the numbers that were measured, so the output must have these.
void require_measured_numbers(const Parts& parts, const Json& config) {
  const Json& written = config.at("quantization_config").at("checksums").at("tensors");
  for (const auto& part : parts) {
    if (part->checksum.empty() || written.at(part->tensor->name()) == part->checksum) continue;
    throw IoError(part->tensor->name() + ": its part has changed since it was made; encode it again (--overwrite)");
  }
}

// Adds what only the written files tell: errors and checksums.
void complete_config(const Job& job, const Parts& parts, const Json& calibration,
                     const std::map<std::string, std::string>& weights, Json& specifications, const fs::path& folder) {
  const Checkpoint output = Checkpoint::open(folder);
  const auto encoded = read_encoded_tensors(output);
  measure(job, parts, encoded, specifications);
  Json config = config_of(job, calibration, specifications);
  detail::state_checksums(output, encoded, weights, config);
  require_measured_numbers(parts, config);
  detail::write_config(job.checkpoint, config, folder);
}

}  // namespace

Index folder_bytes(const fs::path& folder) {
  Index sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) sum += static_cast<Index>(entry.file_size());
  }
  return sum;
}

CompressReport assemble(const Job& job, const Parts& parts, const CalibrationRecord& calibration,
                        const StagedFolder& staged, const ProgressCallback& progress) {
  Json specifications = specifications_of(parts, calibration.of_tensors);
  const auto weights = rewrite_weights(job.checkpoint, replacements_of(parts), staged.folder(), progress);
  copy_files(job.checkpoint, job.options.copy_all ? all_other_files(job.checkpoint) : job.checkpoint.other_files(),
             {{kCard, detail::name_of_base_card(job.checkpoint)}}, staged.folder());
  detail::write_config(job.checkpoint, config_of(job, calibration.of_model, specifications), staged.folder());
  complete_config(job, parts, calibration.of_model, weights, specifications, staged.folder());
  CompressReport report = claimed_report(Checkpoint::open(staged.folder()), &job.checkpoint);
  for (std::size_t i = 0; i < parts.size(); ++i) report.tensors[i].seconds = parts[i]->seconds;
  write_card(job, report, staged.folder());
  report.folder_after = folder_bytes(staged.folder());
  return report;
}

}  // namespace loewner
