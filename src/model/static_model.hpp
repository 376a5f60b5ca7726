// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "loewner/model/checkpoint.hpp"
#include "loewner/model/json.hpp"
#include "loewner/model/safetensors.hpp"

// Static embedding models: a table of one vector for each token, and no transformer.
namespace loewner::detail {

/// The weight file, relative to its folder, of a static model that is not model.safetensors at the
/// top: that of the first module in modules.json if it is a StaticEmbedding, or the only safetensors
/// file of the folder and its subfolder `weights`.
///
/// Errors    none; a folder of another kind has none.
std::optional<std::filesystem::path> static_weights_in(const std::filesystem::path& folder);

/// The configuration that stands for the missing config.json of a static model; nothing if the file
/// has other tensors than a table with its weights and its mapping.
std::optional<Json> static_config(const SafetensorsFile& file);

/// Whether `model_type` is one of static models.
bool is_static_type(const Json& config);

/// Whether a table's name is one that static models use: their role needs no module.
bool is_static_table(std::string_view tensor);

/// The row of each token if tokens share rows; empty without a tensor `mapping` of integers.
///
/// Errors    IoError when it names a row that the table lacks.
std::vector<Index> static_mapping(const Checkpoint& model, Index rows);

}  // namespace loewner::detail
