// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "loewner/model/json_fwd.hpp"

namespace loewner::detail {

/// Parses a config.json. Numbers that Json cannot hold (NaN, Infinity, integers above 64 bits), which
/// Python's json reads and writes, become strings that text_of_config() writes as these numbers again.
///
/// Errors    IoError as parse_json_object().
Json parse_config(std::string_view text, const std::string& file);

/// parse_config() that keeps the text of every number, for canonical_text().
Json parse_config_keeping_numbers(std::string_view text, const std::string& file);

/// The one text of equal values, for hashes: sorted keys, no spaces, numbers as they are written.
/// The same for a configuration in memory and for the file that text_of_config() makes of it.
std::string canonical_text(const Json& value);

/// The contents of config.json with this configuration.
std::string text_of_config(const Json& config);

/// Reads a config.json. Errors: IoError.
std::string read_config_text(const std::filesystem::path& file);

/// `quantization_config.quant_method`; empty if the model is not quantized, "unknown" if the field
/// is missing.
std::string quantization_method_in(const Json& config);

}  // namespace loewner::detail
