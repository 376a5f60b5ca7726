// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/rewrite.hpp"

#include <algorithm>
#include <set>
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

void copy_tensor(const SafetensorsFile& file, const TensorInfo& tensor, SafetensorsWriter& writer) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(kBlockBytes, tensor.bytes())));
  for (Index offset = 0; offset < tensor.bytes(); offset += kBlockBytes) {
    const std::span bytes =
        std::span(block).first(static_cast<std::size_t>(std::min(kBlockBytes, tensor.bytes() - offset)));
    file.read(tensor, offset, bytes);
    writer.write(bytes);
  }
}

std::vector<TensorDeclaration> declarations_of(const Shard& shard, const Replacements& replacements) {
  std::vector<TensorDeclaration> declarations;
  for (const auto& tensor : shard.file->tensors()) {
    const auto replacement = replacements.find(tensor.name);
    if (replacement == replacements.end()) {
      declarations.push_back(tensor);
    } else {
      for (const auto& array : replacement->second) declarations.push_back(declaration_of(array));
    }
  }
  return declarations;
}

// A new array must not have the name of a tensor that is kept.
void require_free_names(const Checkpoint& checkpoint, const Replacements& replacements) {
  std::set<std::string> names;
  for (const auto& shard : checkpoint.shards()) {
    for (const auto& declaration : declarations_of(shard, replacements)) {
      require(names.insert(declaration.name).second,
              [&] { return "the name '" + declaration.name + "' of a new array is taken by another tensor"; });
    }
  }
}

void write_index(const Checkpoint& checkpoint, const Replacements& replacements, const fs::path& folder) {
  SafetensorsIndex index{.weight_map = {}, .metadata = checkpoint.index_metadata()};
  Index total = 0;
  for (const auto& shard : checkpoint.shards()) {
    for (const auto& declaration : declarations_of(shard, replacements)) {
      index.weight_map[declaration.name] = shard.name;
      total += *byte_count(declaration);
    }
  }
  index.metadata["total_size"] = total;
  index.metadata.erase("total_parameters");  // the number of the original's parameters
  detail::replace_file(folder / "model.safetensors.index.json", to_text(index));
}

}  // namespace

TensorDeclaration declaration_of(const StoredArray& array) {
  return {.name = array.name, .dtype = array.dtype, .shape = {array.rows, array.cols}};
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

void rewrite_weights(const Checkpoint& checkpoint, const Replacements& replacements, const fs::path& folder,
                     const ProgressCallback& progress) {
  require_free_names(checkpoint, replacements);
  Index done = 0;
  const double total = static_cast<double>(std::max<Index>(1, checkpoint.weight_bytes()));
  for (const auto& shard : checkpoint.shards()) {
    SafetensorsWriter writer(folder / shard.name, declarations_of(shard, replacements), shard.file->metadata());
    for (const auto& tensor : shard.file->tensors()) {
      if (progress) progress(tensor.name, static_cast<double>(done) / total);
      const auto replacement = replacements.find(tensor.name);
      if (replacement == replacements.end()) {
        copy_tensor(*shard.file, tensor, writer);
      } else {
        for (const auto& array : replacement->second) write_array(array, writer);
      }
      done += tensor.bytes();
    }
    writer.finish_without_sync();
  }
  if (checkpoint.has_index()) write_index(checkpoint, replacements, folder);
}

void copy_other_files(const Checkpoint& checkpoint, const std::map<std::string, std::string>& renamed,
                      const fs::path& folder) {
  for (const auto& relative : checkpoint.other_files()) {
    const auto new_name = renamed.find(relative.string());
    const fs::path target = new_name == renamed.end() ? relative : fs::path(new_name->second);
    if (target.empty()) continue;
    std::error_code error;
    fs::create_directories((folder / target).parent_path(), error);
    if (error)
      throw IoError((folder / target).parent_path().string() + ": cannot create the folder: " + error.message());
    detail::copy_file(checkpoint.folder() / relative, folder / target);
  }
}

}  // namespace loewner
