// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/rewrite.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.hpp"
#include "base/file_system.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/model/safetensors_index.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

constexpr Index kBlockBytes = Index{1} << 22;  // bytes per read, computation and write
constexpr Index kShardsOfThread = 4;           // with fewer, threads would wait for the last of the shards

void copy_tensor(const SafetensorsFile& file, const TensorInfo& tensor, SafetensorsWriter& writer) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlockBytes, tensor.bytes())));
  for (Index offset = 0; offset < tensor.bytes(); offset += kBlockBytes) {
    const std::span bytes =
        std::span(block).first(static_cast<std::size_t>(std::min(kBlockBytes, tensor.bytes() - offset)));
    file.read(tensor, offset, bytes);
    writer.write(bytes);
  }
}

std::vector<TensorDeclaration> declarations_of(const Checkpoint& checkpoint, std::size_t shard,
                                               const Replacements& replacements) {
  std::vector<TensorDeclaration> declarations;
  for (const TensorInfo* tensor : checkpoint.tensors_of(shard)) {
    const auto replacement = replacements.find(tensor->name);
    if (replacement == replacements.end()) {
      declarations.push_back(*tensor);
    } else {
      for (const auto& array : replacement->second) declarations.push_back(declaration_of(array));
    }
  }
  return declarations;
}

// A new array must not have the name of a tensor that is kept.
void require_free_names(const Checkpoint& checkpoint, const Replacements& replacements) {
  std::set<std::string> names;
  for (std::size_t shard = 0; shard < checkpoint.shards().size(); ++shard) {
    for (const auto& declaration : declarations_of(checkpoint, shard, replacements)) {
      require(names.insert(declaration.name).second,
              [&] { return "the name '" + declaration.name + "' of a new array is taken by another tensor"; });
    }
  }
}

void write_index(const Checkpoint& checkpoint, const Replacements& replacements, const fs::path& folder) {
  SafetensorsIndex index{.weight_map = {}, .metadata = checkpoint.index_metadata()};
  Index total = 0;
  for (std::size_t shard = 0; shard < checkpoint.shards().size(); ++shard) {
    for (const auto& declaration : declarations_of(checkpoint, shard, replacements)) {
      index.weight_map[declaration.name] = checkpoint.shards()[shard].name;
      total += *byte_count(declaration);
    }
  }
  index.metadata["total_size"] = total;
  index.metadata.erase("total_parameters");  // the number of the original's parameters
  constexpr const char* kIndex = "model.safetensors.index.json";
  detail::replace_file(folder / kIndex, to_text(index));
  detail::copy_permissions(checkpoint.folder() / kIndex, folder / kIndex);
}

// Creates a relative folder and those above it, which allow no more than those of the model.
void make_folders(const fs::path& model, const fs::path& relative, const fs::path& folder) {
  fs::path path;
  for (const auto& name : relative) {
    path /= name;
    std::error_code error;
    const bool created = fs::create_directory(folder / path, error);
    if (error) throw IoError((folder / path).string() + ": cannot create the folder: " + error.message());
    if (created) detail::limit_folder_permissions(model / path, folder / path);
  }
}

}  // namespace

TensorDeclaration declaration_of(const StoredArray& array) {
  const auto shape = array.shape.empty() ? std::vector{array.rows, array.cols} : array.shape;
  return {.name = array.name, .dtype = array.dtype, .shape = shape};
}

void write_array(const StoredArray& array, SafetensorsWriter& writer) {
  const Index row_bytes = array.cols * size_of(array.dtype);
  const Index per_task = rows_per_block(array.cols);
  const Index per_block = std::max(per_task, kBlockBytes / std::max<Index>(1, row_bytes) / per_task * per_task);
  Matrix<std::byte> block = Matrix<std::byte>::uninitialized(std::min(per_block, array.rows), row_bytes),
                    last = Matrix<std::byte>::uninitialized(block.rows(), row_bytes);
  std::span<const std::byte> waiting;  // in `last`, written while the next block is computed
  for (Index first = 0; first < array.rows; first += per_block) {
    const Index count = std::min(per_block, array.rows - first);
    parallel_for(1 + (count + per_task - 1) / per_task, [&](Index task) {
      if (task == 0) return writer.write(waiting);
      const Index begin = (task - 1) * per_task;
      array.read_rows(first + begin, std::min(per_task, count - begin), block.data() + begin * row_bytes);
    });
    std::swap(block, last);
    waiting = {last.data(), static_cast<std::size_t>(count * row_bytes)};
  }
  writer.write(waiting);
}

std::map<std::string, std::string> rewrite_weights(const Checkpoint& checkpoint, const Replacements& replacements,
                                                   const fs::path& folder, const ProgressCallback& progress,
                                                   const std::map<std::string, std::string>& added_metadata) {
  require_free_names(checkpoint, replacements);
  const auto& shards = checkpoint.shards();
  std::vector<std::string> hashes(shards.size());
  std::atomic<Index> done = 0;
  const double total = static_cast<double>(std::max<Index>(1, checkpoint.weight_bytes()));
  const auto caller = std::this_thread::get_id();
  const auto rewrite = [&](Index s) {
    const Shard& shard = shards[s];
    auto metadata = shard.file->metadata();
    metadata.insert(added_metadata.begin(), added_metadata.end());
    SafetensorsWriter writer(folder / shard.name, declarations_of(checkpoint, s, replacements), metadata);
    for (const TensorInfo* tensor : checkpoint.tensors_of(s)) {
      if (progress && std::this_thread::get_id() == caller) progress(tensor->name, static_cast<double>(done) / total);
      const auto replacement = replacements.find(tensor->name);
      if (replacement == replacements.end()) {
        copy_tensor(*shard.file, *tensor, writer);
      } else {
        for (const auto& array : replacement->second) write_array(array, writer);
      }
      done += tensor->bytes();
    }
    writer.finish_without_sync();
    hashes[s] = writer.hash();
    detail::copy_permissions(checkpoint.folder() / shard.name, folder / shard.name);
  };
  for (const auto& shard : shards) make_folders(checkpoint.folder(), fs::path(shard.name).parent_path(), folder);
  const auto count = static_cast<Index>(shards.size());
  if (count >= kShardsOfThread * num_threads()) {
    parallel_for(count, rewrite);
  } else {  // the blocks of an array are computed on all threads
    for (Index s = 0; s < count; ++s) rewrite(s);
  }
  if (checkpoint.has_index()) write_index(checkpoint, replacements, folder);
  std::map<std::string, std::string> by_name;
  for (std::size_t s = 0; s < shards.size(); ++s) by_name[shards[s].name] = std::move(hashes[s]);
  return by_name;
}

void copy_files(const Checkpoint& checkpoint, const std::vector<fs::path>& files,
                const std::map<std::string, std::string>& renamed, const fs::path& folder) {
  detail::limit_folder_permissions(checkpoint.folder(), folder);
  for (const auto& relative : files) {
    const auto new_name = renamed.find(relative.string());
    const fs::path target = new_name == renamed.end() ? relative : fs::path(new_name->second);
    if (target.empty()) continue;
    make_folders(checkpoint.folder(), target.parent_path(), folder);
    detail::copy_file(checkpoint.folder() / relative, folder / target);
  }
}

std::vector<fs::path> all_other_files(const Checkpoint& checkpoint) {
  std::vector<fs::path> files = checkpoint.other_files();
  files.insert(files.end(), checkpoint.unread_weights().begin(), checkpoint.unread_weights().end());
  return files;
}

}  // namespace loewner
