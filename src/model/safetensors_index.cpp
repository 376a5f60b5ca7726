// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_index.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

// The name without "./" parts; nothing unless it is a relative path within the folder.
std::optional<std::string> plain_shard_name(const std::string& name) {
  const bool is_printable = std::ranges::all_of(name, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
  if (!is_printable || !name.ends_with(".safetensors") || name.starts_with('/') || name.find('\\') != name.npos ||
      name.find("..") != name.npos)
    return std::nullopt;
  return std::filesystem::path(name).lexically_normal().string();
}

std::string shard_name(const std::string& tensor, const SortedJson& value, const std::string& file) {
  const std::string where = file + ": tensor " + detail::quoted(tensor) + ": shard must be ";
  if (!value.is_string()) throw IoError(where + "a string, got " + value.type_name());
  const auto& name = value.get_ref<const std::string&>();
  const auto plain = plain_shard_name(name);
  if (!plain) throw IoError(where + "a path in the folder that ends in .safetensors, got " + detail::quoted(name));
  return *plain;
}

}  // namespace

SafetensorsIndex parse_safetensors_index(std::string_view json, const std::string& file) {
  const SortedJson object = parse_sorted_json_object(json, file);
  const auto weight_map = object.find("weight_map");
  if (weight_map == object.end() || !weight_map->is_object() || weight_map->empty()) {
    throw IoError(file + ": weight_map must be an object with at least one tensor");
  }
  SafetensorsIndex index;
  for (const auto& [tensor, shard] : weight_map->items())
    index.weight_map.emplace(tensor, shard_name(tensor, shard, file));
  if (const auto metadata = object.find("metadata"); metadata != object.end()) {
    if (!metadata->is_object()) throw IoError(file + ": metadata must be an object, got " + metadata->type_name());
    index.metadata = *metadata;
  }
  return index;
}

std::string to_text(const SafetensorsIndex& index) {
  const SortedJson object = {{"metadata", index.metadata}, {"weight_map", index.weight_map}};
  return object.dump(2) + "\n";
}

}  // namespace loewner
