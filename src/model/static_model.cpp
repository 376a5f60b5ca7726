// SPDX-License-Identifier: Apache-2.0
#include "model/static_model.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStaticType = "static_embedding";
constexpr const char* kSingleFile = "model.safetensors";
constexpr Index kMaxModulesBytes = Index{1} << 20;
constexpr std::array<std::string_view, 3> kTables = {"embeddings", "embedding.weight", "embedding"};
constexpr std::string_view kMapping = "mapping";
constexpr std::array<std::string_view, 2> kOfTokens = {"weights", kMapping};

// The folder of the first module; nothing if modules.json is missing, broken or names another class.
std::optional<fs::path> static_module(const fs::path& folder) try {
  if (!fs::exists(folder / "modules.json")) return std::nullopt;
  const std::string text = read_text_file(folder / "modules.json", kMaxModulesBytes);
  const Json modules = parse_json_object("{\"modules\":" + text + "}", "modules.json").at("modules");
  if (!modules.is_array() || modules.empty() || !modules[0].is_object()) return std::nullopt;
  const auto field = [&](const char* name) {
    const auto found = modules[0].find(name);
    return found != modules[0].end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const fs::path path = fs::path(field("path")).lexically_normal();
  const bool leaves = path.is_absolute() || std::ranges::find(path, fs::path("..")) != path.end();
  if (!field("type").ends_with("StaticEmbedding") || leaves) return std::nullopt;
  return path;
} catch (const IoError&) {
  return std::nullopt;
}

std::optional<fs::path> only_safetensors(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const char* place : {"", "weights"}) {
    if (!fs::is_directory(folder / place)) continue;
    for (const auto& entry : fs::directory_iterator(folder / place)) {
      if (entry.is_regular_file() && entry.path().extension() == ".safetensors")
        found.push_back(fs::path(place) / entry.path().filename());
    }
  }
  return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

}  // namespace

std::optional<fs::path> static_weights_in(const fs::path& folder) {
  if (const auto module = static_module(folder)) {
    const fs::path file = (*module / kSingleFile).lexically_normal();
    if (fs::exists(folder / file)) return file;
  }
  return only_safetensors(folder);
}

bool is_static_type(const Json& config) {
  const auto type = config.find("model_type");
  return type != config.end() && (*type == kStaticType || *type == "model2vec");
}

bool is_static_table(std::string_view tensor) {
  return std::ranges::find(kTables, tensor) != kTables.end();
}

std::optional<Json> static_config(const SafetensorsFile& file) {
  Json roles = Json::object();
  for (const auto& tensor : file.tensors()) {
    if (is_static_table(tensor.name) && tensor.shape.size() == 2) {
      roles[tensor.name] = "token_embedding";
    } else if (std::ranges::find(kOfTokens, tensor.name) == kOfTokens.end()) {
      return std::nullopt;
    }
  }
  if (roles.size() != 1) return std::nullopt;
  return Json{{"model_type", kStaticType}, {"loewner_roles", roles}};
}

std::vector<Index> static_mapping(const Checkpoint& model, Index rows) {
  const auto* found = model.find(kMapping);
  if (found == nullptr || found->info->shape.size() != 1 || found->info->dtype != DType::i64) return {};
  std::vector<std::int64_t> stored(found->info->shape[0]);
  const auto& file = *model.shard_of(*found).file;
  file.read(*found->info, 0, std::as_writable_bytes(std::span(stored)));
  for (const std::int64_t row : stored) {
    if (row < 0 || row >= rows) {
      throw IoError(file.path().string() + ": tensor 'mapping': rows must be in [0, " + std::to_string(rows) +
                    "), got " + std::to_string(row));
    }
  }
  return {stored.begin(), stored.end()};
}

}  // namespace loewner::detail
