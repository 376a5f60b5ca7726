// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/base/number_format.hpp"
#include "loewner/codec/stored_array.hpp"

namespace loewner::detail {

/// A vector of numbers as a stored array with this many columns.
template <typename T>
StoredArray stored_bytes(std::string name, DType dtype, std::shared_ptr<const std::vector<T>> values, Index cols = 1) {
  StoredArray array{.name = std::move(name),
                    .dtype = dtype,
                    .rows = static_cast<Index>(values->size()) / cols,
                    .cols = cols,
                    .read_rows = {},
                    .memory = reinterpret_cast<const std::byte*>(values->data())};
  array.read_rows = [values = std::move(values), cols](Index first, Index count, std::byte* out) {
    if (count == 0) return;  // an empty vector has no address
    std::memcpy(out, values->data() + first * cols, static_cast<std::size_t>(count * cols) * sizeof(T));
  };
  return array;
}

template <typename T>
StoredArray stored_bytes(std::string name, DType dtype, std::shared_ptr<std::vector<T>> values, Index cols = 1) {
  return stored_bytes(std::move(name), dtype, std::shared_ptr<const std::vector<T>>(std::move(values)), cols);
}

template <typename T>
StoredArray stored_bytes(std::string name, DType dtype, std::vector<T> values, Index cols = 1) {
  return stored_bytes(std::move(name), dtype, std::make_shared<const std::vector<T>>(std::move(values)), cols);
}

/// IoError unless the array is rows x cols of that type.
inline void require_array(const StoredArray& array, DType dtype, Index rows, Index cols = 1) {
  if (array.rows != rows || array.cols != cols) {
    throw IoError("array '" + array.name + "' must be " + std::to_string(rows) + " x " + std::to_string(cols) +
                  ", got " + std::to_string(array.rows) + " x " + std::to_string(array.cols));
  }
  if (array.dtype != dtype) {
    throw IoError("array '" + array.name + "' must be of type " + std::string(to_string(dtype)) + ", got " +
                  std::string(to_string(array.dtype)));
  }
}

/// The numbers of an array after require_array().
template <typename T>
std::vector<T> read_stored(const StoredArray& array, DType dtype, Index rows, Index cols = 1) {
  require_array(array, dtype, rows, cols);
  std::vector<T> values(static_cast<std::size_t>(rows * cols));
  if (rows > 0) array.read_rows(0, rows, reinterpret_cast<std::byte*>(values.data()));
  return values;
}

/// IoError that names the array and the first entry that is not finite.
inline void require_finite_halves(const std::vector<std::uint16_t>& halves, const std::string& name) {
  for (std::size_t i = 0; i < halves.size(); ++i) {
    if ((halves[i] & 0x7c00u) != 0x7c00u) continue;
    throw IoError("array '" + name + "': entry " + std::to_string(i) + " must be finite");
  }
}

}  // namespace loewner::detail
