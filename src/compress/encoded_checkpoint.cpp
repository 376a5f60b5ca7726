// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/encoded_checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "codec/spec_field.hpp"
#include "compress/error_place.hpp"
#include "compress/format_version.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner {
namespace {

// A number of digits only; nothing for other texts.
std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return number;
}

EncodedTensor read_encoded_tensor(const Checkpoint& checkpoint, const std::string& name, const Json& spec) {
  EncodedTensor tensor{.name = name,
                       .place = checkpoint.folder().string() + ": tensor '" + name + "'",
                       .spec = spec,
                       .shape = {},
                       .array_names = {},
                       .matrix = nullptr};
  const std::string prefix = array_prefix(name, spec);
  tensor.shape = detail::at_place(tensor.place, [&] { return tensor_shape(spec); });
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

detail::FormatVersion detail::readable_version(const Json& quantization) {
  const auto version = spec_field<std::string>(quantization, "format_version");
  const std::size_t dot = std::min(version.find('.'), version.size());
  const auto major = whole_number(std::string_view(version).substr(0, dot)),
             minor = whole_number(std::string_view(version).substr(std::min(dot + 1, version.size())));
  if (!major || !minor) throw IoError("format_version must be MAJOR.MINOR, got '" + version + "'");
  if (*major > kFormatMajor) {
    throw IoError("format version " + version + " is newer than " + std::to_string(kFormatMajor) +
                  ".x, which this version of loewner reads");
  }
  return {*major, *minor};
}

std::string detail::current_version(const Json& quantization) {
  const FormatVersion version = std::max(readable_version(quantization), FormatVersion{kFormatMajor, kFormatMinor});
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::string array_prefix(const std::string& tensor_name, const Json& spec) {
  constexpr std::string_view kSuffix = "weight";
  const bool has_shape = spec.is_object() && spec.contains("shape");
  if (has_shape || !tensor_name.ends_with(".weight")) return tensor_name + ".";
  return tensor_name.substr(0, tensor_name.size() - kSuffix.size());
}

std::vector<EncodedTensor> read_encoded_tensors(const Checkpoint& checkpoint) {
  const std::string folder = checkpoint.folder().string();
  if (checkpoint.quantization_method() != kQuantizationMethod) {
    throw IoError(folder + ": config.json has no quantization_config of quant_method 'loewner'");
  }
  const Json& config = checkpoint.config().at("quantization_config");
  const Json specs = detail::at_place(folder + ": config.json", [&] {
    detail::readable_version(config);
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

DType source_dtype(const EncodedTensor& tensor) {
  return detail::at_place(tensor.place, [&] {
    const auto name = detail::spec_field<std::string>(tensor.spec, "source_dtype");
    const auto dtype = dtype_from_string(name);
    if (!dtype || !is_float_readable(*dtype) || is_float8(*dtype)) {
      throw IoError("source_dtype must be F64, F32, F16 or BF16, got '" + name + "'");
    }
    return *dtype;
  });
}

std::vector<StoredArray> named_arrays(const EncodedMatrix& matrix, const std::string& prefix) {
  auto arrays = matrix.to_tensors();
  for (auto& array : arrays) array.name = prefix + array.name;
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
