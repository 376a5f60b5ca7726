// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace loewner {

/// Objects that we write again keep the order in which their fields were read, so that equal inputs give equal bytes.
using Json = nlohmann::ordered_json;

/// Objects that may have very many keys (vocabularies, weight maps); looked up in logarithmic time, order is lost.
using SortedJson = nlohmann::json;

/// Parses a JSON object that somebody else wrote.
///
/// Errors    IoError "<file>: ..." unless the text is one UTF-8 JSON object without duplicate keys, nested at most 64
///           deep; for Json also when an object has more than 10000 keys, because each of its look-ups is linear.
Json parse_json_object(std::string_view text, const std::string& file);
SortedJson parse_sorted_json_object(std::string_view text, const std::string& file);

}  // namespace loewner
