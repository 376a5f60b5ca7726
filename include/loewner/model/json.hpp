// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace loewner {

/// A JSON value whose objects keep the order of their fields, so that equal inputs give equal bytes
/// when they are written again.
using Json = nlohmann::ordered_json;

/// A JSON value for objects with very many keys (vocabularies, weight maps): look-ups take
/// logarithmic time, and the order of fields is lost.
using SortedJson = nlohmann::json;

/// Parses an untrusted JSON object.
///
/// Method    one pass of the parser, with a check at every value.
/// Cost      linear in the text; parse_sorted_json_object() takes O(log keys) more per key.
/// Errors    IoError "<file>: ..." unless the text is one UTF-8 JSON object without duplicate keys,
///           nested at most 64 deep, with numbers in the range of float64. parse_json_object() also
///           refuses more than 10000 keys in an object, because each of its look-ups is linear.
Json parse_json_object(std::string_view text, const std::string& file);
SortedJson parse_sorted_json_object(std::string_view text, const std::string& file);

}  // namespace loewner
