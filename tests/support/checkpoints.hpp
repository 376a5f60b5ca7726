// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "loewner/model/json.hpp"
#include "loewner/model/tensor_declaration.hpp"
#include "support/temporary_folder.hpp"

namespace loewner::test {

/// A generated tensor: low rank plus noise plus a few large entries. Its values depend on shape and seed only, so two
/// tensors of one seed are equal.
struct MadeTensor {
  TensorDeclaration declaration;
  std::uint64_t seed = 1;
};

/// The stored bytes of a generated tensor; zeros for types that are not read as numbers.
std::string bytes_of(const MadeTensor& tensor);

/// Writes config.json and the tensors: as model.safetensors, or as several shards with their index.
void write_checkpoint(const TemporaryFolder& folder, const std::string& name, const Json& config,
                      const std::vector<std::vector<MadeTensor>>& shards);

/// The tensors of a two-layer encoder of 300 tokens and 24 columns; its table is `kTable`.
inline constexpr const char* kTable = "embeddings.word_embeddings.weight";
inline constexpr Index kTokens = 300, kWidth = 24;
std::vector<MadeTensor> encoder_tensors(DType dtype = DType::f32);
Json encoder_config();

/// The encoder as a model folder FOLDER/name with a vocabulary, a model card and a file in a subfolder, in one file or
/// two shards.
std::filesystem::path write_encoder(const TemporaryFolder& folder, const std::string& name = "model", int shards = 1,
                                    DType dtype = DType::f32);

/// The bytes of all files of a folder by relative path.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder);

/// The names of files that differ or that only one folder has.
std::vector<std::string> differing_files(const std::map<std::string, std::string>& a,
                                         const std::map<std::string, std::string>& b);

/// Flips the lowest bit of a file's byte.
void flip_bit(const std::filesystem::path& file, std::uintmax_t offset);

/// The offset of the data of a tensor in a safetensors file.
std::uintmax_t offset_of(const std::filesystem::path& file, const std::string& tensor);

}  // namespace loewner::test
