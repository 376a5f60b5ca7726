// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "loewner/model/checkpoint.hpp"

// What an output's configuration records of the original, so that expand can restore it.

namespace loewner::detail {

/// Adds `torch_dtype` to a configuration that names no dtype, and records that in `quantization`. It
/// is the type in which transformers loads such a model: that of the first floating-point tensor by
/// name in the first file. The first array of the output may be a factor in another type.
void state_dtype(const Checkpoint& model, Json& config, Json& quantization);

/// The name under which the output keeps README.md of the model: README.base.md, or
/// README.base-2.md and so on if the model has such a file.
std::string name_of_base_card(const Checkpoint& model);

/// Records in `quantization` where README.md of the model is, if its place is not README.base.md.
void state_base_card(const Checkpoint& model, Json& quantization);

/// The configuration of the dense model: without quantization_config and the fields that
/// state_dtype() added.
Json dense_config(const Checkpoint& output);

/// New names of the files of an output in the dense model; an empty one leaves the file out.
std::map<std::string, std::string> names_in_dense(const Checkpoint& output);

/// Writes config.json into `folder`, with the permissions of config.json of `model`.
void write_config(const Checkpoint& model, const Json& config, const std::filesystem::path& folder);

}  // namespace loewner::detail
