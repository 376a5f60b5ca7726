// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/model/json.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::test {

/// The arrays of an encoding by name, as a file would return them. IoError for an unknown name.
inline ArrayLookup arrays_of(const EncodedMatrix& matrix) {
  return [arrays = matrix.to_tensors()](std::string_view name) {
    const auto found = std::ranges::find(arrays, name, &StoredArray::name);
    if (found == arrays.end()) throw IoError("array '" + std::string(name) + "' is missing");
    return *found;
  };
}

/// An encoding from a specification and the arrays of another encoding, which must outlive it.
inline std::unique_ptr<EncodedMatrix> read_back(const EncodedMatrix& matrix, const Json& spec) {
  return encoded_matrix_from_tensors(spec, arrays_of(matrix));
}

inline std::unique_ptr<EncodedMatrix> read_back(const EncodedMatrix& matrix) {
  return read_back(matrix, matrix.spec());
}

/// The message of the IoError about a specification with one changed field (null: removed).
inline std::string refusal_of_field(const EncodedMatrix& matrix, const std::string& field, const Json& value) {
  Json spec = matrix.spec();
  if (value.is_null()) spec.erase(field);
  if (!value.is_null()) spec[field] = value;
  return message_of<IoError>([&] { (void)read_back(matrix, spec); });
}

/// Everything that an encoding computes with this many threads: its product with x, and its rows.
inline std::vector<float> results_with_threads(const EncodedMatrix& matrix, MatrixView<const float> x, int threads) {
  const ThreadCount scope(threads);
  Matrix<float> y(x.rows(), matrix.rows());
  matrix.apply(x, y.view());
  const auto decoded = read_all(matrix);
  std::vector<float> all(y.data(), y.data() + y.rows() * y.cols());
  all.insert(all.end(), decoded.data(), decoded.data() + decoded.rows() * decoded.cols());
  return all;
}

/// The concatenated bytes of all its arrays.
inline std::vector<std::byte> stored_bytes(const EncodedMatrix& matrix) {
  std::vector<std::byte> bytes;
  for (const auto& array : matrix.to_tensors()) {
    const std::size_t at = bytes.size();
    bytes.resize(at + static_cast<std::size_t>(array.bytes()));
    array.read_rows(0, array.rows, bytes.data() + at);
  }
  return bytes;
}

}  // namespace loewner::test
