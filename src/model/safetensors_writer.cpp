// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_writer.hpp"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/model/safetensors_header.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

constexpr Index kSyncedAtOnce = Index{1} << 23;

std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw InvalidArgument("names and metadata must be UTF-8, got " + detail::quoted(text));
  }
}

std::string metadata_entry(const std::map<std::string, std::string>& metadata) {
  std::string entry = "\"__metadata__\":{";
  for (const auto& [key, value] : metadata) entry += json_string(key) + ":" + json_string(value) + ",";
  entry.back() = '}';
  return entry + ",";
}

std::string tensor_entry(const TensorDeclaration& tensor, Index begin, Index end) {
  std::string shape;
  for (const Index size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
  return json_string(tensor.name) + ":{\"dtype\":\"" + std::string(to_string(tensor.dtype)) + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]},";
}

Index end_of_data(Index begin, const TensorDeclaration& tensor) {
  const auto bytes = byte_count(tensor);
  const auto end = bytes ? checked_sum(begin, *bytes) : std::nullopt;
  require(end.has_value(),
          [&] { return "tensor " + detail::quoted(tensor.name) + ": sizes must be non-negative and fit in 63 bits"; });
  return *end;
}

void require_names(const std::vector<TensorDeclaration>& tensors) {
  std::unordered_set<std::string_view> names;
  for (const auto& tensor : tensors) {
    require(!tensor.name.empty() && tensor.name != "__metadata__" && names.insert(tensor.name).second, [&] {
      return "tensor names must be given once each and not be empty or __metadata__, got " +
             detail::quoted(tensor.name);
    });
  }
}

std::string with_length_prefix(const std::string& json) {
  std::string header;
  for (Index i = 0; i < kSafetensorsPrefixBytes; ++i) header += static_cast<char>(json.size() >> (8 * i) & 0xff);
  return header + json;
}

}  // namespace

std::string safetensors_header(const std::vector<TensorDeclaration>& tensors,
                               const std::map<std::string, std::string>& metadata) {
  require_names(tensors);
  std::string json = "{";
  if (!metadata.empty()) json += metadata_entry(metadata);
  Index begin = 0;
  for (const auto& tensor : tensors) {
    const Index end = end_of_data(begin, tensor);
    json += tensor_entry(tensor, begin, end);
    begin = end;
  }
  if (json.size() > 1) json.pop_back();  // the comma after the last entry
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  require(static_cast<Index>(json.size()) <= kMaxSafetensorsHeaderBytes, [&] {
    return "a safetensors header must have at most " + std::to_string(kMaxSafetensorsHeaderBytes) + " bytes, got " +
           std::to_string(json.size());
  });
  return with_length_prefix(json);
}

Index data_bytes(const std::vector<TensorDeclaration>& tensors) {
  Index end = 0;
  for (const auto& tensor : tensors) end = end_of_data(end, tensor);
  return end;
}

struct SafetensorsWriter::Sink {
  detail::File file;
  Hash64 hash{};
};

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorDeclaration>& tensors,
                                     const std::map<std::string, std::string>& metadata) {
  const std::string header = safetensors_header(tensors, metadata);
  file_bytes_ = static_cast<Index>(header.size()) + data_bytes(tensors);
  sink_ = std::make_unique<Sink>(Sink{detail::File::create(path)});
  write(std::as_bytes(std::span(header)));
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  require(static_cast<Index>(bytes.size()) <= file_bytes_ - written_, [&] {
    return sink_->file.path().string() + ": " + std::to_string(file_bytes_ - written_) +
           " bytes were still declared, got " + std::to_string(bytes.size());
  });
  sink_->file.write_all(bytes);
  sink_->hash.add(bytes);
  written_ += static_cast<Index>(bytes.size());
  if (written_ - syncing_ >= kSyncedAtOnce) start_sync();
}

// Starts write-back early, so that the disk works during the computation of the next bytes.
void SafetensorsWriter::start_sync() {
  sink_->file.start_sync();
  syncing_ = written_;
}

std::string SafetensorsWriter::hash() const {
  return sink_->hash.hex();
}

void SafetensorsWriter::finish() {
  finish_without_sync();
  sink_->file.sync();
  detail::sync_folder(sink_->file.path().parent_path());
}

void SafetensorsWriter::finish_without_sync() {
  require(written_ == file_bytes_, [&] {
    return sink_->file.path().string() + ": " + std::to_string(file_bytes_) + " bytes were declared, got " +
           std::to_string(written_);
  });
  start_sync();
}

}  // namespace loewner
