// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "loewner/model/json.hpp"

namespace loewner {

/// The contents of a model.safetensors.index.json.
struct SafetensorsIndex {
  std::map<std::string, std::string> weight_map;  ///< tensor name -> path of its shard
  Json metadata = Json::object();                 ///< total_size and other fields of the writer
};

/// Parses an index.
///
/// Method    parse_sorted_json_object(), then a check of each path.
/// Cost      O(text log tensors).
/// Errors    IoError "<file>: ..." unless the text is an object with a non-empty `weight_map` of
///           strings whose values are paths within the folder that end in .safetensors. Parts "./"
///           are dropped.
SafetensorsIndex parse_safetensors_index(std::string_view json, const std::string& file);

/// The text of an index, with fields and names sorted, as transformers writes it.
///
/// Errors    none.
std::string to_text(const SafetensorsIndex& index);

}  // namespace loewner
