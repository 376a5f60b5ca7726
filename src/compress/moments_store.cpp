// SPDX-License-Identifier: Apache-2.0
#include "compress/moments_store.hpp"

#include <utility>

#include "base/file.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/hash64.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

// The files of a part: which moments a layer has, and the moments unless another part has them.
constexpr const char *kLayer = "layer.json", *kMoments = "moments.safetensors";
constexpr const char *kImportance = "importance", *kImportanceFile = "importance.json";

std::string part_name(std::size_t tensor, MomentsUse use) {
  return (use == MomentsUse::plan ? "plan-" : "code-") + std::to_string(tensor);
}

Json read_json(const fs::path& path) {
  return parse_json_object(detail::read_text_file(path, Index{1} << 24), path.string());
}

Matrix<double> read_wide(const RowSource& rows) {
  const Matrix<float> values = read_all(rows);
  return detail::widened(values.view());
}

}  // namespace

// The moments of a layer are those in the part of tensor `inputs`.
struct MomentsStore::Layer {
  std::size_t inputs = 0;
  double correction = 0;
};

void MomentsStore::keep(std::size_t tensor, MomentsUse use, const InputMoments& moments,
                        std::optional<std::size_t> same_as) const {
  const Json layer = {{"inputs", same_as.value_or(tensor)}, {"correction", moments.correction}};
  staged_.make_part(part_name(tensor, use), [&](const fs::path& folder) {
    detail::replace_file(folder / kLayer, layer.dump());
    if (same_as) return;
    const std::string model = hex_text(job_.checkpoint.fingerprint());
    write_moments_file(folder / kMoments, {{name_of(tensor), arrays_of(moments)}},
                       {.model = model, .tokens = {}, .layers = {}, .importance = {}});
  });
}

std::optional<MomentsStore::Layer> MomentsStore::layer(std::size_t tensor, MomentsUse use) const {
  const std::string part = part_name(tensor, use);
  if (!staged_.has_part(part)) return std::nullopt;
  const Json json = read_json(staged_.part(part) / kLayer);
  return Layer{.inputs = json.at("inputs").get<std::size_t>(), .correction = json.at("correction").get<double>()};
}

MomentsFile MomentsStore::file(std::size_t tensor, MomentsUse use) const {
  return MomentsFile::open(staged_.part(part_name(tensor, use)) / kMoments);
}

std::optional<InputMoments> MomentsStore::kept(std::size_t tensor, MomentsUse use) const {
  const auto found = layer(tensor, use);
  if (!found) return std::nullopt;
  const MomentsArrays arrays = file(found->inputs, use).arrays(name_of(found->inputs));
  InputMoments moments{.second = read_wide(*arrays.second), .correction = found->correction, .tokens = arrays.tokens};
  if (arrays.cross != nullptr) moments.cross = read_wide(*arrays.cross);
  return moments;
}

void MomentsStore::keep_importance(const KeptImportance& importance) const {
  Json json = {{"of_tensors", Json::object()}, {"record", importance.record}};
  for (const auto& [tensor, value] : importance.of_tensors) json["of_tensors"][std::to_string(tensor)] = value;
  staged_.make_part(kImportance,
                    [&](const fs::path& folder) { detail::replace_file(folder / kImportanceFile, json.dump()); });
}

std::optional<KeptImportance> MomentsStore::importance() const {
  if (!staged_.has_part(kImportance)) return std::nullopt;
  const Json json = read_json(staged_.part(kImportance) / kImportanceFile);
  KeptImportance importance{.of_tensors = {}, .record = json.at("record")};
  for (const auto& [tensor, value] : json.at("of_tensors").items()) {
    importance.of_tensors[std::stoul(tensor)] = value.get<double>();
  }
  return importance;
}

void MomentsStore::save(const fs::path& path) const {
  MomentsDescription description{
      .model = hex_text(job_.checkpoint.fingerprint()), .tokens = {}, .layers = {}, .importance = {}};
  std::map<std::string, MomentsArrays> arrays;
  // The name of a layer's moments, whose arrays are added.
  const auto add = [&](const std::optional<Layer>& found, MomentsUse use) -> std::string {
    if (!found) return "";
    const std::string& owner = name_of(found->inputs);
    std::string name = use == MomentsUse::plan ? "plan." + owner : owner;
    if (!arrays.contains(name)) arrays.emplace(name, file(found->inputs, use).arrays(owner));
    return name;
  };
  for (std::size_t i = 0; i < job_.selection.tensors.size(); ++i) {
    const auto plan = layer(i, MomentsUse::plan), code = layer(i, MomentsUse::code);
    const std::string planned_by = add(plan, MomentsUse::plan), inputs = add(code, MomentsUse::code);
    if (inputs.empty() && planned_by.empty()) continue;
    LayerInputs& entry = description.layers[name_of(i)];
    entry.inputs = inputs.empty() ? planned_by : inputs;
    if (code) entry.correction = code->correction;
    if (!inputs.empty()) entry.planned_by = planned_by;
  }
  const auto weights = importance().value_or(KeptImportance{});
  for (const auto& [tensor, value] : weights.of_tensors) description.importance[name_of(tensor)] = value;
  write_moments_file(path, arrays, std::move(description), job_.token_counts);
}

}  // namespace loewner
