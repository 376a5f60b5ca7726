// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

/// A tensor of a file and where its data lie in the file's data section.
struct TensorInfo : TensorDeclaration {
  Index begin = 0;
  Index end = 0;

  Index bytes() const { return end - begin; }
};

/// What the header of a safetensors file says.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< in the order of their data; they fill the data section without a hole
  std::map<std::string, std::string> metadata;
};

/// The first bytes of every safetensors file: the little-endian length of the header.
inline constexpr Index kSafetensorsPrefixBytes = 8;
/// A longer header is refused, as by the reference implementation.
inline constexpr Index kMaxSafetensorsHeaderBytes = 100'000'000;

/// Parses and checks the JSON text of a header against the length of the data section that follows it.
///
/// Errors    IoError "<file>: tensor '<name>': <rule>, got ..." in one line for the first rule that is broken: UTF-8
///           JSON that begins with '{'; no key twice; `__metadata__` maps strings to strings; a tensor has exactly
///           dtype, shape and data_offsets; sizes are non-negative integers; begin <= end; end - begin is the shape's
///           product times the type's size; the tensors cover the data exactly, without holes or overlaps.
SafetensorsHeader parse_safetensors_header(std::string_view json, Index data_bytes, const std::string& file);

}  // namespace loewner
