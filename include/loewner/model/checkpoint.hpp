// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "loewner/model/architecture.hpp"
#include "loewner/model/json.hpp"
#include "loewner/model/safetensors.hpp"
#include "loewner/model/safetensors_index.hpp"

namespace loewner {

/// One weight file of a checkpoint.
struct Shard {
  std::string name;  ///< path within the folder
  std::shared_ptr<const SafetensorsFile> file;
};

/// A tensor of a checkpoint and the shard that holds it.
struct CheckpointTensor {
  std::size_t shard = 0;  ///< index into Checkpoint::shards()
  const TensorInfo* info = nullptr;
};

/// A Hugging Face model folder: config.json, weights in safetensors (one file, or shards and their
/// index), and other files. Opening it reads headers only.
///
/// Shapes    rows_of: rows x cols of the tensor.
/// Accuracy  rows_of: exact; F64 is rounded to float32.
/// Errors    at() and rows_of(): IoError for a missing tensor. rows_of(): InvalidArgument unless
///           the tensor is a floating-point matrix; IoError when its scales are missing or have
///           another shape.
class Checkpoint {
 public:
  /// Opens and checks a folder.
  ///
  /// Method    reads what transformers would load: model.safetensors rather than shards, and of a
  ///           tensor in several shards the one in the last shard. Of a static embedding model, the
  ///           table alone is enough: in the folder, in that of the first module of modules.json,
  ///           or in `weights`.
  /// Cost      reads config.json, the index and the headers of the shards.
  /// Errors    IoError, naming the file, when config.json is missing or not a JSON object, when
  ///           there are no safetensors weights (pickles are refused by name), or when a shard is
  ///           missing or breaks a rule of the format.
  static Checkpoint open(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const Json& config() const { return config_; }
  /// config.json as it is written.
  const std::string& config_text() const { return config_text_; }
  /// Whether config.json exists. A static embedding model needs none, and gets a configuration that
  /// says which tensor its table is.
  bool has_config() const { return has_config_; }
  /// The folder with the tokenizer: that of the weight file, if it has one.
  std::filesystem::path tokenizer_folder() const;
  const std::vector<Shard>& shards() const { return shards_; }

  /// Whether the weights come with an index, and that index's metadata.
  bool has_index() const { return has_index_; }
  const Json& index_metadata() const { return index_metadata_; }

  /// What the index says otherwise than the weight files, for the user.
  const std::vector<std::string>& notes() const { return notes_; }

  /// All tensors, shard by shard in the order of their data.
  const std::vector<CheckpointTensor>& tensors() const { return tensors_; }
  /// The tensor of that name; a missing one is nullptr from find() and an IoError from at().
  const CheckpointTensor* find(std::string_view name) const;
  const CheckpointTensor& at(std::string_view name) const;
  const Shard& shard_of(const CheckpointTensor& tensor) const { return shards_[tensor.shard]; }
  /// The tensors of shards()[shard], in the order of their data, without those that a later shard
  /// stores again.
  std::vector<const TensorInfo*> tensors_of(std::size_t shard) const;

  /// The roles of all tensors, in their order.
  Architecture architecture() const;

  /// The float32 rows of a floating-point matrix, or of the matrices of a 3-D tensor. They keep
  /// their file open. 8-bit floats are multiplied by their scales.
  std::shared_ptr<const RowSource> rows_of(std::string_view name) const;
  /// The tensors that hold the scales of a tensor of 8-bit floats in a model whose quantization
  /// method is "fp8", and of its layer's inputs; empty for other tensors.
  std::vector<std::string> scales_of(std::string_view name) const;

  /// `quantization_config.quant_method` of the configuration; empty if the model is not quantized.
  std::string quantization_method() const;

  /// Sorted relative paths of all files other than weights, index and config.json. Folders .git and
  /// .cache are left out.
  const std::vector<std::filesystem::path>& other_files() const { return other_files_; }
  /// Relative paths of weights in formats that are not read (pickles, ONNX, TensorFlow, ...), of
  /// training checkpoints and of optimizer states.
  const std::vector<std::filesystem::path>& unread_weights() const { return unread_weights_; }
  /// Relative paths of all files, those of weights, index and config.json included.
  std::vector<std::filesystem::path> all_files() const;
  /// Entries of the folder that are not files, such as broken links: "x is a broken link".
  const std::vector<std::string>& skipped() const { return skipped_; }

  /// Bytes of all weight files.
  Index weight_bytes() const;

  /// A 64-bit hash by which an interrupted run recognizes its model.
  ///
  /// Method    hashes config.json, the index, names, sizes and headers of the shards, and 64 blocks
  ///           of 64 KiB spread over the data of each shard (all data of shards up to 4 MiB). It is
  ///           not cryptographic. Times and locations of the files have no influence.
  /// Cost      reads at most 4 MiB of data per shard.
  /// Errors    IoError when a file cannot be read.
  std::uint64_t fingerprint() const;

 private:
  Checkpoint() = default;
  void read_config(const std::filesystem::path& file);
  void make_config();
  void list_tensors();
  void note_disagreements(const SafetensorsIndex& index);
  void sort_out(const std::vector<std::filesystem::path>& files);

  std::filesystem::path folder_;
  bool has_config_ = false;
  std::string config_text_;
  Json config_;
  std::vector<Shard> shards_;
  bool has_index_ = false;
  Json index_metadata_ = Json::object();
  std::vector<std::string> notes_;
  std::vector<CheckpointTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::vector<std::filesystem::path> other_files_;
  std::vector<std::filesystem::path> unread_weights_;
  std::vector<std::string> skipped_;
};

}  // namespace loewner
