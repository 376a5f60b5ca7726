// SPDX-License-Identifier: Apache-2.0
#include "compress/assembly.hpp"

#include <cmath>
#include <map>
#include <utility>

#include "base/file.hpp"
#include "compress/stored_claims.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/model_card.hpp"
#include "loewner/compress/rewrite.hpp"
#include "loewner/compress/study.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

Replacements replacements_of(const Job& job, const std::vector<Part>& parts) {
  Replacements replacements;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& tensor = job.selection.tensors[i];
    replacements[tensor.name()] = parts[i].arrays;
    for (const auto& copy : tensor.tied) replacements[copy] = {};
  }
  return replacements;
}

// The type in which transformers loads a model whose configuration has no dtype: that of the first
// floating-point tensor by name in the first file (transformers 5.24, get_state_dict_dtype). The first
// array of the output may be a factor in another type.
void state_dtype(Json& config, const Checkpoint& model) {
  if (config.contains("dtype") || config.contains("torch_dtype")) return;
  static const std::map<DType, std::string> kNames = {
      {DType::f64, "float64"}, {DType::f32, "float32"}, {DType::f16, "float16"}, {DType::bf16, "bfloat16"}};
  std::map<std::pair<std::string, std::string>, DType> dtypes;
  for (const auto& tensor : model.tensors()) {
    if (kNames.contains(tensor.info->dtype))
      dtypes[{model.shard_of(tensor).name, tensor.info->name}] = tensor.info->dtype;
  }
  if (!dtypes.empty()) config["torch_dtype"] = kNames.at(dtypes.begin()->second);
}

void write_config(const Job& job, const Json& specifications, const fs::path& folder) {
  Json config = job.checkpoint.config();
  state_dtype(config, job.checkpoint);
  config["quantization_config"] = {
      {"quant_method", kQuantizationMethod},
      {"format_version", std::to_string(kFormatMajor) + "." + std::to_string(kFormatMinor)},
      {"producer", std::string("loewner ") + LOEWNER_VERSION},
      {"source", job.fingerprint},
      {"tensors", specifications}};
  detail::replace_file(folder / "config.json", config.dump(2) + "\n");
}

// Measures the errors of the numbers in the file, not of those in memory.
void measure(const Job& job, const std::vector<Part>& parts, const fs::path& folder, Json& specifications) {
  const Checkpoint output = Checkpoint::open(folder);
  const auto encoded = read_encoded_tensors(output);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const auto& tensor = job.selection.tensors[i];
    TensorReport report = report_from_specification(tensor.name(), encoded[i].spec);
    report.errors = measured_errors(*job.checkpoint.rows_of(tensor.name()), *encoded[i].matrix, parts[i].weights,
                                    job.options.norm_exponent);
    require(std::isfinite(report.errors.relative_error), [&] {
      return tensor.name() + ": the factors do not fit in " + std::string(to_string(job.options.factor_format)) +
             "; choose bf16 or f32 factors";
    });
    specifications[tensor.name()]["claims"] = claims_to_json(report);
  }
}

}  // namespace

Index folder_bytes(const fs::path& folder) {
  Index sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) sum += static_cast<Index>(entry.file_size());
  }
  return sum;
}

CompressReport assemble(const Job& job, const std::vector<Part>& parts, const StagedFolder& staged,
                        const ProgressCallback& progress) {
  rewrite_weights(job.checkpoint, replacements_of(job, parts), staged.folder(), progress);
  copy_other_files(job.checkpoint, {{"README.md", "README.base.md"}}, staged.folder());
  Json specifications = Json::object();
  for (std::size_t i = 0; i < parts.size(); ++i) specifications[job.selection.tensors[i].name()] = parts[i].spec;
  write_config(job, specifications, staged.folder());
  measure(job, parts, staged.folder(), specifications);
  write_config(job, specifications, staged.folder());
  CompressReport report = claimed_report(Checkpoint::open(staged.folder()), &job.checkpoint);
  for (std::size_t i = 0; i < parts.size(); ++i) report.tensors[i].seconds = parts[i].seconds;
  detail::replace_file(staged.folder() / "README.md", model_card(job.options, report));
  report.folder_after = folder_bytes(staged.folder());
  return report;
}

}  // namespace loewner
