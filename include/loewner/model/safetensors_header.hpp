// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

/// A tensor of a file, and the position of its data in the file's data section.
struct TensorInfo : TensorDeclaration {
  Index begin = 0;
  Index end = 0;

  Index bytes() const { return end - begin; }
};

/// The contents of the header of a safetensors file.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< in the order of their data, without holes
  std::map<std::string, std::string> metadata;
};

/// The first bytes of every safetensors file: the little-endian length of the header.
inline constexpr Index kSafetensorsPrefixBytes = 8;
/// Longer headers are refused, as by the reference implementation.
inline constexpr Index kMaxSafetensorsHeaderBytes = 100'000'000;

/// Parses and checks the JSON text of a header against the length of the data section that follows
/// it.
///
/// Method    one pass of a streaming parser, which checks each field as it comes; then the tensors
///           are sorted by position and compared with their neighbors.
/// Cost      O(text), and O(tensors log tensors) to order them.
/// Errors    IoError "<file>: tensor '<name>': <rule>, got ...", one line, for the first broken
///           rule: the text is UTF-8 JSON that begins with '{'; no key comes twice; `__metadata__`
///           maps strings to strings; a tensor has exactly dtype, shape and data_offsets; sizes are
///           non-negative integers; begin <= end; end - begin is the product of the shape times the
///           size of the type; the tensors cover the data exactly, without holes or overlaps.
SafetensorsHeader parse_safetensors_header(std::string_view json, Index data_bytes, const std::string& file);

}  // namespace loewner
