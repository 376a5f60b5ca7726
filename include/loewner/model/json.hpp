// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "loewner/model/json_fwd.hpp"

namespace loewner {

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
