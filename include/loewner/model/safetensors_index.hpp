// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "loewner/model/json.hpp"

namespace loewner {

/// The contents of a model.safetensors.index.json.
struct SafetensorsIndex {
  std::map<std::string, std::string> weight_map;  ///< tensor name -> file name of its shard
  Json metadata = Json::object();                 ///< total_size and whatever else the writer put there
};

/// Parses an index.
///
/// Errors    IoError "<file>: ..." unless it is an object with a non-empty `weight_map` of strings whose values are
///           plain file names: ending in .safetensors, with no folder and no "..".
SafetensorsIndex parse_safetensors_index(std::string_view json, const std::string& file);

/// The text of an index: fields and names sorted, as transformers writes it.
std::string to_text(const SafetensorsIndex& index);

}  // namespace loewner
