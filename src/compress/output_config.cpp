// SPDX-License-Identifier: Apache-2.0
#include "compress/output_config.hpp"

#include <algorithm>
#include <utility>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "model/config_file.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

constexpr const char *kCard = "README.md", *kBaseCard = "README.base.md";
constexpr const char *kBaseCardField = "base_card", *kAddedFields = "added_fields";
constexpr const char* kMadeFields[] = {"model_type", "loewner_roles"};  // of a model without config.json

bool has_file(const Checkpoint& checkpoint, const fs::path& file) {
  return std::ranges::find(checkpoint.other_files(), file) != checkpoint.other_files().end();
}

}  // namespace

// transformers 5.24, get_state_dict_dtype.
void state_dtype(const Checkpoint& model, Json& config, Json& quantization) {
  if (!model.has_config()) {
    quantization[kAddedFields] = kMadeFields;
    return;
  }
  if (config.contains("dtype") || config.contains("torch_dtype")) return;
  static const std::map<DType, std::string> kNames = {
      {DType::f64, "float64"}, {DType::f32, "float32"}, {DType::f16, "float16"}, {DType::bf16, "bfloat16"}};
  std::map<std::pair<std::string, std::string>, DType> dtypes;
  for (const auto& tensor : model.tensors()) {
    if (kNames.contains(tensor.info->dtype))
      dtypes[{model.shard_of(tensor).name, tensor.info->name}] = tensor.info->dtype;
  }
  if (dtypes.empty()) return;
  config["torch_dtype"] = kNames.at(dtypes.begin()->second);
  quantization[kAddedFields] = {"torch_dtype"};
}

std::string name_of_base_card(const Checkpoint& model) {
  std::string name = kBaseCard;
  for (int i = 2; has_file(model, name); ++i) name = "README.base-" + std::to_string(i) + ".md";
  return name;
}

void state_base_card(const Checkpoint& model, Json& quantization) {
  if (has_file(model, kBaseCard)) quantization[kBaseCardField] = has_file(model, kCard) ? name_of_base_card(model) : "";
}

Json dense_config(const Checkpoint& output) {
  Json config = output.config();
  const Json added = config.at("quantization_config").value(kAddedFields, Json::array());
  config.erase("quantization_config");
  if (added == Json(kMadeFields)) {
    for (const char* field : kMadeFields) config.erase(field);
  }
  if (std::ranges::find(added, Json("torch_dtype")) != added.end()) {
    config.erase("torch_dtype");
    config.erase("dtype");  // its name after save_pretrained
  }
  return config;
}

std::map<std::string, std::string> names_in_dense(const Checkpoint& output) {
  std::map<std::string, std::string> names = {{kCard, ""}};
  const Json& quantization = output.config().at("quantization_config");
  const auto field = quantization.find(kBaseCardField);
  if (field == quantization.end()) {
    names[kBaseCard] = kCard;
  } else if (field->is_string() && !field->get_ref<const std::string&>().empty()) {
    names[*field] = kCard;
  }
  return names;
}

void write_config(const Checkpoint& model, const Json& config, const fs::path& folder) {
  const fs::path file = folder / "config.json";
  replace_file(file, text_of_config(config));
  copy_permissions(model.folder() / (model.has_config() ? "config.json" : model.shards().front().name), file);
}

}  // namespace loewner::detail
