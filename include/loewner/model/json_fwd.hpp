// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace loewner {

/// A JSON value whose objects keep the order of their fields, so that equal inputs give equal bytes
/// when they are written again. Incomplete here: headers that only name it compile in a third of
/// the time. loewner/model/json.hpp completes it.
using Json = nlohmann::ordered_json;

/// A JSON value for objects with very many keys (vocabularies, weight maps): look-ups take
/// logarithmic time, and the order of fields is lost.
using SortedJson = nlohmann::json;

}  // namespace loewner
