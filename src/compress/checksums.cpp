// SPDX-License-Identifier: Apache-2.0
#include "compress/checksums.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>

#include "base/file.hpp"
#include "compress/format_version.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/base/parallel.hpp"
#include "model/config_file.hpp"
#include "model/quoted.hpp"

namespace loewner::detail {
namespace fs = std::filesystem;
namespace {

constexpr const char *kQuantization = "quantization_config", *kChecksums = "checksums";
constexpr const char *kOfSpecification = "specification", *kOfConfig = "config", *kOfTensors = "tensors",
                     *kOfFiles = "files";
constexpr FormatVersion kFirstWithChecksums = {1, 1};
constexpr std::size_t kMostFiles = 5000;  // readers refuse objects with more than 10000 keys
constexpr Index kHashedAtOnce = Index{1} << 22;

std::string hash_of_text(const std::string& text) {
  Hash64 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.hex();
}

// Adds `size` bytes, which read(offset, block) reads.
template <typename Read>
void add_blocks(Hash64& hash, Index size, Read&& read) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min(size, kHashedAtOnce)));
  for (Index offset = 0; offset < size; offset += kHashedAtOnce) {
    const auto part = std::span(block).first(static_cast<std::size_t>(std::min(kHashedAtOnce, size - offset)));
    read(offset, part);
    hash.add(part);
  }
}

std::string hash_of_file(const fs::path& path) {
  const File file = File::open_for_reading(path);
  Hash64 hash;
  add_blocks(hash, file.size(), [&](Index offset, std::span<std::byte> block) { file.read_exact(offset, block); });
  return hash.hex();
}

void add_array(Hash64& hash, const SafetensorsFile& file, const TensorInfo& array) {
  add_blocks(hash, array.bytes(), [&](Index offset, std::span<std::byte> block) { file.read(array, offset, block); });
}

// The bytes of the arrays, one array after another in the order of their names.
std::string hash_of_arrays(const Checkpoint& output, const EncodedTensor& tensor) {
  Hash64 hash;
  for (const auto& name : std::set<std::string>(tensor.array_names.begin(), tensor.array_names.end())) {
    const CheckpointTensor& array = output.at(name);
    add_array(hash, *output.shard_of(array).file, *array.info);
  }
  return hash.hex();
}

std::vector<std::string> hashes_of_arrays(const Checkpoint& output, const std::vector<EncodedTensor>& tensors) {
  std::vector<std::string> hashes(tensors.size());
  parallel_for(static_cast<Index>(tensors.size()), [&](Index i) { hashes[i] = hash_of_arrays(output, tensors[i]); });
  return hashes;
}

std::map<std::string, std::string> hashes_of_files(const fs::path& folder, const std::vector<std::string>& files) {
  std::vector<std::string> hashes(files.size());
  parallel_for(static_cast<Index>(files.size()), [&](Index i) { hashes[i] = hash_of_file(folder / files[i]); });
  std::map<std::string, std::string> by_name;
  for (std::size_t i = 0; i < files.size(); ++i) by_name[files[i]] = std::move(hashes[i]);
  return by_name;
}

bool is_utf8(const std::string& text) try { return !Json(text).dump().empty(); } catch (const Json::exception&) {
  return false;
}

// The files with checksums. config.json holds them, and users edit README.md.
std::vector<std::string> files_with_checksums(const Checkpoint& output) {
  std::vector<std::string> files;
  for (const auto& file : output.all_files()) {
    const std::string name = file.string();
    if (name != "config.json" && name != "README.md" && is_utf8(name)) files.push_back(name);
  }
  if (files.size() > kMostFiles)
    std::erase_if(files, [](const auto& name) { return name.find(".safetensors") == name.npos; });
  return files;
}

std::string hash_of_specification(Json quantization) {
  quantization[kChecksums].erase(kOfSpecification);
  return hash_of_text(canonical_text(quantization));
}

std::string hash_of_config(Json config) {
  config.erase(kQuantization);
  return hash_of_text(canonical_text(config));
}

Json object_field(const Json& object, const char* name, const std::string& place) {
  Json field = object.value(name, Json::object());
  if (!field.is_object()) throw IoError(place + ": field '" + name + "' of checksums must be an object");
  return field;
}

// Compares a hash with the field `name` of `stated`; false if they differ or the field is missing.
bool states(const Json& stated, const std::string& name, const std::string& hash) {
  const auto field = stated.find(name);
  return field != stated.end() && *field == hash;
}

void check_arrays(const Checkpoint& output, const std::vector<EncodedTensor>& tensors, const Json& stated,
                  VerifyReport& report) {
  const auto hashes = hashes_of_arrays(output, tensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!stated.contains(tensors[i].name)) {
      report.notes.push_back(tensors[i].name + ": the stored arrays have no checksum");
    } else if (!states(stated, tensors[i].name, hashes[i])) {
      report.tensors[i].failures.push_back("the stored arrays are not those of the checksum");
    }
  }
}

// Opens only files that the folder lists itself, not those that a checksum names.
void check_files(const Checkpoint& output, const Json& stated, VerifyReport& report) {
  std::vector<std::string> files = files_with_checksums(output);
  std::erase_if(files, [&](const std::string& name) { return !stated.contains(name); });
  for (const auto& [name, hash] : hashes_of_files(output.folder(), files)) {
    if (!states(stated, name, hash)) report.failures.push_back(name + ": the file is not that of the checksum");
  }
  report.checked_files = static_cast<Index>(files.size());
  const std::set<std::string> found(files.begin(), files.end());
  for (const auto& [name, hash] : stated.items()) {
    if (!found.contains(name))
      report.notes.push_back("file " + detail::quoted(name) + " has a checksum and is missing");
  }
}

}  // namespace

std::string hash_of_arrays(const SafetensorsFile& file) {
  std::map<std::string_view, const TensorInfo*> by_name;
  for (const auto& array : file.tensors()) by_name.emplace(array.name, &array);
  Hash64 hash;
  for (const auto& [name, array] : by_name) add_array(hash, file, *array);
  return hash.hex();
}

void state_checksums(const Checkpoint& output, const std::vector<EncodedTensor>& tensors,
                     const std::map<std::string, std::string>& weights, Json& config) {
  Json of_tensors = Json::object(), of_files = Json::object();
  const auto hashes = hashes_of_arrays(output, tensors);
  for (std::size_t i = 0; i < tensors.size(); ++i) of_tensors[tensors[i].name] = hashes[i];
  std::vector<std::string> files = files_with_checksums(output);
  std::erase_if(files, [&](const std::string& name) { return weights.contains(name); });
  for (const auto& [name, hash] : weights) of_files[name] = hash;
  for (const auto& [name, hash] : hashes_of_files(output.folder(), files)) of_files[name] = hash;
  Json& quantization = config[kQuantization];
  quantization[kChecksums] = {
      {kOfConfig, hash_of_config(config)}, {kOfTensors, std::move(of_tensors)}, {kOfFiles, std::move(of_files)}};
  quantization[kChecksums][kOfSpecification] = hash_of_specification(quantization);
}

void check_checksums(const Checkpoint& output, const std::vector<EncodedTensor>& tensors, VerifyReport& report) {
  const std::string place = (output.folder() / "config.json").string();
  const Json config = parse_config_keeping_numbers(output.config_text(), place);
  const Json& quantization = config.at(kQuantization);
  if (!quantization.contains(kChecksums)) {
    const std::string version = quantization.at("format_version");
    if (readable_version(quantization) >= kFirstWithChecksums) {
      report.failures.push_back("config.json: format version " + version + " requires the field 'checksums'");
    } else {
      report.notes.push_back("format version " + version + " has no checksums; damage may remain unnoticed");
    }
    return;
  }
  const Json& stated = quantization.at(kChecksums);
  if (!stated.is_object()) throw IoError(place + ": field 'checksums' must be an object");
  if (!states(stated, kOfSpecification, hash_of_specification(quantization)))
    report.failures.push_back("config.json: quantization_config is not that of the checksum");
  if (stated.contains(kOfConfig) && !states(stated, kOfConfig, hash_of_config(config)))
    report.failures.push_back("config.json: the fields besides quantization_config are not those of the checksum");
  check_arrays(output, tensors, object_field(stated, kOfTensors, place), report);
  if (stated.contains(kOfFiles)) {
    check_files(output, object_field(stated, kOfFiles, place), report);
  } else {
    report.notes.push_back("the model was saved again: only the encoded tensors have checksums");
  }
}

}  // namespace loewner::detail
