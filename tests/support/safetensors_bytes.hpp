// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace loewner::test {

/// A little-endian length and whatever follows, valid or not: the bytes of a safetensors file.
inline std::string safetensors_bytes(std::uint64_t header_length, const std::string& rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header_length >> (8 * i) & 0xff);
  return bytes + rest;
}

inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  return safetensors_bytes(header.size(), header + data);
}

/// A file with one F32 matrix of zeros.
inline std::string one_matrix_file(const std::string& name, int rows, int cols) {
  const std::string header = "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(rows) + "," +
                             std::to_string(cols) + "],\"data_offsets\":[0," + std::to_string(rows * cols * 4) + "]}}";
  return safetensors_bytes(header, std::string(static_cast<std::size_t>(rows) * cols * 4, '\0'));
}

}  // namespace loewner::test
