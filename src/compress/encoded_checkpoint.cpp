// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/encoded_checkpoint.hpp"

#include <charconv>

#include "codec/spec_field.hpp"
#include "compress/error_place.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner {
namespace {

void require_readable_version(const Json& config) {
  const auto version = detail::spec_field<std::string>(config, "format_version");
  int major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  if (error != std::errc() || *end != '.') {
    throw IoError("format_version must be MAJOR.MINOR, got '" + version + "'");
  }
  if (major > kFormatMajor) {
    throw IoError("format version " + version + " is newer than " + std::to_string(kFormatMajor) +
                  ".x, which this version of loewner reads");
  }
}

EncodedTensor read_encoded_tensor(const Checkpoint& checkpoint, const std::string& name, const Json& spec) {
  EncodedTensor tensor{.name = name,
                       .place = checkpoint.folder().string() + ": tensor '" + name + "'",
                       .spec = spec,
                       .array_names = {},
                       .matrix = nullptr};
  const std::string prefix = array_prefix(name);
  tensor.matrix = detail::at_place(tensor.place, [&] {
    return encoded_matrix_from_tensors(spec, [&](std::string_view array) {
      const std::string full_name = prefix + std::string(array);
      const auto& found = checkpoint.at(full_name);
      tensor.array_names.push_back(full_name);
      return stored_in(checkpoint.shard_of(found).file, *found.info);
    });
  });
  return tensor;
}

}  // namespace

std::string array_prefix(const std::string& tensor_name) {
  constexpr std::string_view kSuffix = "weight";
  if (!tensor_name.ends_with(".weight")) throw IoError("tensor '" + tensor_name + "': the name must end in .weight");
  return tensor_name.substr(0, tensor_name.size() - kSuffix.size());
}

std::vector<EncodedTensor> read_encoded_tensors(const Checkpoint& checkpoint) {
  const std::string folder = checkpoint.folder().string();
  if (checkpoint.quantization_method() != kQuantizationMethod) {
    throw IoError(folder + ": config.json has no quantization_config of quant_method 'loewner'");
  }
  const Json& config = checkpoint.config().at("quantization_config");
  const Json specs = detail::at_place(folder + ": config.json", [&] {
    require_readable_version(config);
    auto tensors = detail::spec_field<Json>(config, "tensors");
    if (!tensors.is_object()) throw IoError("specification: field 'tensors' must be an object");
    return tensors;
  });
  std::vector<EncodedTensor> tensors;
  for (const auto& [name, spec] : specs.items()) {
    tensors.push_back(read_encoded_tensor(checkpoint, name, spec));
  }
  return tensors;
}

std::vector<std::string> tied_names(const EncodedTensor& tensor) {
  if (!tensor.spec.contains("tied")) return {};
  return detail::at_place(tensor.place,
                          [&] { return detail::spec_field<std::vector<std::string>>(tensor.spec, "tied"); });
}

std::vector<StoredArray> named_arrays(const EncodedMatrix& matrix, const std::string& tensor_name) {
  auto arrays = matrix.to_tensors();
  for (auto& array : arrays) array.name = array_prefix(tensor_name) + array.name;
  return arrays;
}

Index stored_bytes(const Checkpoint& checkpoint, const std::vector<std::string>& tensor_names) {
  Index sum = 0;
  for (const auto& name : tensor_names) {
    const TensorInfo& info = *checkpoint.at(name).info;
    const Json entry = {
        {name, {{"dtype", to_string(info.dtype)}, {"shape", info.shape}, {"data_offsets", {info.begin, info.end}}}}};
    sum += info.bytes() + static_cast<Index>(entry.dump().size()) - 1;  // without the braces, with a comma
  }
  return sum;
}

}  // namespace loewner
