// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/checkpoint.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "model/config_file.hpp"
#include "model/model_files.hpp"
#include "model/quoted.hpp"
#include "model/static_model.hpp"
#include "model/tensor_scales.hpp"

namespace loewner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.json";
constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr Index kMaxIndexBytes = Index{256} << 20;

bool is_pickle(const fs::path& file) {
  const auto extension = file.extension();
  return extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt";
}

[[noreturn]] void refuse_without_weights(const fs::path& folder, const std::vector<fs::path>& files) {
  const auto pickle = std::ranges::find_if(files, [](const fs::path& file) { return is_pickle(file); });
  const std::string found = detail::found_instead(files);
  if (pickle == files.end()) {
    throw IoError(folder.string() + ": must have " + kSingleFile + " or " + kIndex +
                  (found.empty() ? "" : "; " + found));
  }
  throw IoError(folder.string() + ": pickle checkpoints are not read: convert " + detail::quoted(pickle->string()) +
                " to safetensors");
}

[[noreturn]] void refuse_without_config(const fs::path& folder) {
  constexpr std::size_t kDepth = 1;  // the folder may be anything, such as a home folder
  const std::string found = detail::found_instead(detail::files_below(folder, kDepth).files);
  throw IoError((folder / kConfig).string() +
                ": cannot open: No such file; a model folder must have config.json and safetensors" +
                (found.empty() ? "" : "; " + found));
}

SafetensorsIndex parse_index(const fs::path& path) {
  return parse_safetensors_index(detail::read_text_file(path, kMaxIndexBytes), path.string());
}

// Whether an index beside a single file describes that file.
bool describes_single_file(const fs::path& path) {
  try {
    return std::ranges::all_of(parse_index(path).weight_map,
                               [](const auto& entry) { return entry.second == kSingleFile; });
  } catch (const IoError&) {
    return false;
  }
}

// transformers reads the single file if there is one, and then ignores an index and its shards.
std::optional<SafetensorsIndex> read_index(const fs::path& folder, std::vector<std::string>& notes) {
  const auto path = folder / kIndex;
  if (!fs::exists(path)) return std::nullopt;
  if (!fs::exists(folder / kSingleFile) || describes_single_file(path)) return parse_index(path);
  notes.push_back(std::string(kIndex) + ": neither it nor the shards that it names are read, because transformers " +
                  "loads " + kSingleFile + " where that file exists");
  return std::nullopt;
}

// `weights`: the single file without an index.
std::vector<Shard> open_shards(const fs::path& folder, const std::optional<SafetensorsIndex>& index,
                               const fs::path& weights) {
  std::set<std::string> names = {weights.string()};
  if (index) {
    names.clear();
    for (const auto& [tensor, shard] : index->weight_map) names.insert(shard);
  }
  std::vector<Shard> shards;
  shards.reserve(names.size());
  for (const auto& name : names) shards.push_back({name, SafetensorsFile::open(folder / name)});
  return shards;
}

void add_samples(Hash64& hash, const Shard& shard) {
  constexpr Index kBlocks = 64, kBlockBytes = Index{1} << 16;
  std::vector<std::byte> block;
  const auto add = [&](const TensorInfo& tensor, Index offset, Index count) {
    block.resize(static_cast<std::size_t>(count));
    shard.file->read(tensor, offset, block);
    hash.add(block);
  };
  const auto& tensors = shard.file->tensors();
  const Index total = tensors.empty() ? 0 : tensors.back().end;
  const Index stride = std::max(kBlockBytes, (total + kBlocks - 1) / kBlocks);
  for (Index begin = 0; begin < total; begin += stride) {
    const Index end = std::min(total, begin + kBlockBytes);
    const auto first = std::ranges::upper_bound(tensors, begin, {}, &TensorInfo::end);
    for (auto tensor = first; tensor != tensors.end() && tensor->begin < end; ++tensor) {
      const Index from = std::max(begin, tensor->begin);
      add(*tensor, from - tensor->begin, std::min(end, tensor->end) - from);
    }
  }
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw IoError(folder.string() + ": must be a model folder");
  const bool has_config = fs::exists(folder / kConfig);
  const auto static_weights = detail::static_weights_in(folder);
  if (!has_config && !static_weights) refuse_without_config(folder);  // before its files are listed
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  const auto index = read_index(folder, checkpoint.notes_);
  auto [files, skipped] = detail::files_below(folder);
  checkpoint.skipped_ = std::move(skipped);
  if (has_config) checkpoint.read_config(folder / kConfig);
  const bool is_static = !index && !fs::exists(folder / kSingleFile);
  const bool may_be_static = !has_config || detail::is_static_type(checkpoint.config_);
  if (is_static && (!static_weights || !may_be_static)) refuse_without_weights(folder, files);
  checkpoint.shards_ = open_shards(folder, index, is_static ? *static_weights : fs::path(kSingleFile));
  if (!has_config) checkpoint.make_config();
  checkpoint.list_tensors();
  checkpoint.has_index_ = index.has_value();
  if (index) {
    checkpoint.index_metadata_ = index->metadata;
    checkpoint.note_disagreements(*index);
  }
  checkpoint.sort_out(files);
  return checkpoint;
}

void Checkpoint::read_config(const fs::path& file) {
  has_config_ = true;
  config_text_ = detail::read_config_text(file);
  config_ = detail::parse_config(config_text_, file.string());
}

// A static model needs no configuration.
void Checkpoint::make_config() {
  const auto config = shards_.size() == 1 ? detail::static_config(*shards_.front().file) : std::nullopt;
  if (!config) refuse_without_config(folder_);
  config_ = *config;
  config_text_ = config_.dump();
}

fs::path Checkpoint::tokenizer_folder() const {
  const fs::path beside = folder_ / fs::path(shards_.front().name).parent_path();
  return fs::exists(beside / "tokenizer.json") ? beside : folder_;
}

// transformers loads all tensors of the named shards, listed or not. Of a tensor that several shards
// hold, it loads the one that it reads last.
void Checkpoint::list_tensors() {
  std::unordered_map<std::string_view, std::size_t> last;
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    for (const auto& tensor : shards_[s].file->tensors()) last[tensor.name] = s;
  }
  for (std::size_t s = 0; s < shards_.size(); ++s) {
    for (const auto& tensor : shards_[s].file->tensors()) {
      if (last.at(tensor.name) != s) continue;
      by_name_.emplace(tensor.name, tensors_.size());
      tensors_.push_back({.shard = s, .info = &tensor});
    }
  }
}

// transformers also ignores entries of the index without a tensor.
void Checkpoint::note_disagreements(const SafetensorsIndex& index) {
  Index stored = 0, unlisted = 0, elsewhere = 0;
  for (const auto& shard : shards_) stored += static_cast<Index>(shard.file->tensors().size());
  for (const auto& tensor : tensors_) {
    const auto entry = index.weight_map.find(tensor.info->name);
    unlisted += entry == index.weight_map.end();
    elsewhere += entry != index.weight_map.end() && entry->second != shard_of(tensor).name;
  }
  const auto count = static_cast<Index>(tensors_.size());
  const auto add = [&](Index number, const std::string& what) {
    if (number > 0) notes_.push_back(std::string(kIndex) + ": " + std::to_string(number) + what);
  };
  add(static_cast<Index>(index.weight_map.size()) - (count - unlisted),
      " entries name tensors that do not exist; they are left out");
  add(unlisted, " tensors of the shards have no entry; they are copied");
  add(elsewhere, " tensors are in other shards than the index names");
  add(stored - count,
      " tensors are stored again in a later shard; only those of the last shard are read, as by transformers");
}

void Checkpoint::sort_out(const std::vector<fs::path>& files) {
  for (const auto& file : files) {
    const bool is_read = file == kConfig || (has_index_ && file == kIndex) ||
                         std::ranges::any_of(shards_, [&](const Shard& shard) { return file == shard.name; });
    if (!is_read) (detail::is_unread_weight(file) ? unread_weights_ : other_files_).push_back(file);
  }
}

std::vector<fs::path> Checkpoint::all_files() const {
  std::vector<fs::path> files;
  if (has_config_) files.emplace_back(kConfig);
  if (has_index_) files.emplace_back(kIndex);
  for (const auto& shard : shards_) files.emplace_back(shard.name);
  for (const auto* others : {&other_files_, &unread_weights_})
    files.insert(files.end(), others->begin(), others->end());
  return files;
}

const CheckpointTensor* Checkpoint::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

const CheckpointTensor& Checkpoint::at(std::string_view name) const {
  const auto* tensor = find(name);
  if (!tensor) throw IoError(folder_.string() + ": tensor " + detail::quoted(name) + " does not exist");
  return *tensor;
}

std::vector<const TensorInfo*> Checkpoint::tensors_of(std::size_t shard) const {
  std::vector<const TensorInfo*> found;
  for (const auto& tensor : tensors_) {
    if (tensor.shard == shard) found.push_back(tensor.info);
  }
  return found;
}

Architecture Checkpoint::architecture() const {
  std::vector<TensorDeclaration> declarations;
  for (const auto& tensor : tensors_) declarations.push_back(*tensor.info);
  return analyze_architecture(config_, declarations);
}

std::shared_ptr<const RowSource> Checkpoint::rows_of(std::string_view name) const {
  return detail::scaled_rows(*this, at(name));
}

std::vector<std::string> Checkpoint::scales_of(std::string_view name) const {
  return detail::scales_of(*this, *at(name).info);
}

std::string Checkpoint::quantization_method() const {
  return detail::quantization_method_in(config_);
}

Index Checkpoint::weight_bytes() const {
  Index bytes = 0;
  for (const auto& shard : shards_) bytes += shard.file->file_bytes();
  return bytes;
}

std::uint64_t Checkpoint::fingerprint() const {
  Hash64 hash;
  hash.add(config_text_);
  hash.add(index_metadata_.dump());
  for (const auto& shard : shards_) {
    hash.add(shard.name);
    hash.add(static_cast<std::uint64_t>(shard.file->file_bytes()));
    hash.add(shard.file->header_text());
    add_samples(hash, shard);
  }
  return hash.value();
}

}  // namespace loewner
