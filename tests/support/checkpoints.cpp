// SPDX-License-Identifier: Apache-2.0
#include "support/checkpoints.hpp"

#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>
#include <utility>

#include "loewner/codec/stored_array.hpp"
#include "loewner/model/safetensors.hpp"
#include "loewner/model/safetensors_writer.hpp"
#include "support/matrices.hpp"

namespace loewner::test {
namespace fs = std::filesystem;
namespace {

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void write_shard(const fs::path& path, const std::vector<MadeTensor>& tensors) {
  std::vector<TensorDeclaration> declarations;
  for (const auto& tensor : tensors) declarations.push_back(tensor.declaration);
  SafetensorsWriter writer(path, declarations, {{"format", "pt"}});
  for (const auto& tensor : tensors) {
    const std::string bytes = bytes_of(tensor);
    writer.write(std::as_bytes(std::span(bytes)));
  }
  writer.finish();
}

std::string shard_name(std::size_t number, std::size_t count) {
  if (count == 1) return "model.safetensors";
  return "model-0000" + std::to_string(number + 1) + "-of-0000" + std::to_string(count) + ".safetensors";
}

}  // namespace

std::string bytes_of(const MadeTensor& tensor) {
  const auto& shape = tensor.declaration.shape;
  if (!is_float_readable(tensor.declaration.dtype) || is_float8(tensor.declaration.dtype))
    return std::string(static_cast<std::size_t>(*byte_count(tensor.declaration)), '\0');
  const Index cols = shape.back();
  const Index rows = std::accumulate(shape.begin(), shape.end() - 1, Index{1}, std::multiplies<>());
  const Matrix<float> values =
      low_rank_plus_entry_outliers({.rows = rows, .cols = cols, .seed = tensor.seed}, 6, 0.1, 0.01, 5);
  const auto array = stored_as("", std::make_shared<DenseRows>(values.view()), tensor.declaration.dtype);
  std::string bytes(static_cast<std::size_t>(array.bytes()), '\0');
  array.read_rows(0, rows, reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

void write_checkpoint(const TemporaryFolder& folder, const std::string& name, const Json& config,
                      const std::vector<std::vector<MadeTensor>>& shards) {
  fs::remove_all(folder.path() / name);
  folder.write(fs::path(name) / "config.json", config.dump(2));
  Json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", Json::object()}};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string shard = shard_name(i, shards.size());
    write_shard(folder.path() / name / shard, shards[i]);
    for (const auto& tensor : shards[i]) index["weight_map"][tensor.declaration.name] = shard;
  }
  if (shards.size() > 1) folder.write(fs::path(name) / "model.safetensors.index.json", index.dump(2));
}

std::vector<MadeTensor> encoder_tensors(DType dtype) {
  return {{.declaration = {kTable, dtype, {kTokens, kWidth}}, .seed = 1},
          {.declaration = {"embeddings.position_embeddings.weight", dtype, {16, kWidth}}, .seed = 2},
          {.declaration = {"embeddings.LayerNorm.weight", dtype, {kWidth}}, .seed = 3},
          {.declaration = {"encoder.layer.0.dense.weight", dtype, {96, kWidth}}, .seed = 4},
          {.declaration = {"encoder.layer.0.dense.bias", dtype, {96}}, .seed = 5},
          {.declaration = {"encoder.layer.1.dense.weight", dtype, {kWidth, 96}}, .seed = 6}};
}

Json encoder_config() {
  return {{"architectures", {"BertModel"}},
          {"model_type", "bert"},
          {"vocab_size", kTokens},
          {"hidden_size", kWidth},
          {"layer_norm_eps", 1e-12}};
}

fs::path write_encoder(const TemporaryFolder& folder, const std::string& name, int shards, DType dtype) {
  const auto tensors = encoder_tensors(dtype);
  if (shards == 1) {
    write_checkpoint(folder, name, encoder_config(), {tensors});
  } else {
    write_checkpoint(folder, name, encoder_config(),
                     {{tensors.begin(), tensors.begin() + 3}, {tensors.begin() + 3, tensors.end()}});
  }
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (Index i = 5; i < kTokens; ++i) vocabulary += "token" + std::to_string(i) + "\n";
  folder.write(fs::path(name) / "vocab.txt", vocabulary);
  folder.write(fs::path(name) / "README.md", "# A made-up encoder\n");
  folder.write(fs::path(name) / "1_Pooling/config.json", "{\"word_embedding_dimension\": 24}\n");
  return folder.path() / name;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

std::vector<std::string> differing_files(const std::map<std::string, std::string>& a,
                                         const std::map<std::string, std::string>& b) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : a) {
    if (!b.contains(name) || b.at(name) != bytes) names.push_back(name);
  }
  for (const auto& [name, bytes] : b) {
    if (!a.contains(name)) names.push_back(name);
  }
  return names;
}

void flip_bit(const fs::path& file, std::uintmax_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(stream.get() ^ 1);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

std::uintmax_t offset_of(const fs::path& path, const std::string& tensor) {
  const auto file = SafetensorsFile::open(path);
  return static_cast<std::uintmax_t>(kSafetensorsPrefixBytes) + file->header_text().size() +
         static_cast<std::uintmax_t>(file->find(tensor)->begin);
}

}  // namespace loewner::test
