// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "loewner/base/error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/model/json.hpp"
#include "loewner/model/tensor_declaration.hpp"

namespace {

using namespace loewner;

constexpr Index kMostEntries = 1 << 16;

// An array with the declared type and shape, filled with the bytes of the input, repeated.
StoredArray declared_array(const Json& arrays, std::string_view name, std::string_view bytes) {
  const auto found = arrays.find(name);
  if (found == arrays.end() || !found->is_array() || found->size() != 3) throw IoError("missing array");
  const auto dtype = dtype_from_string((*found)[0].is_string() ? (*found)[0].get<std::string>() : "");
  if (!dtype || !(*found)[1].is_number_unsigned() || !(*found)[2].is_number_unsigned()) throw IoError("invalid array");
  StoredArray array{.name = std::string(name),
                    .dtype = *dtype,
                    .rows = static_cast<Index>((*found)[1].get<std::uint32_t>() % 4096),
                    .cols = static_cast<Index>((*found)[2].get<std::uint32_t>() % 4096),
                    .read_rows = {}};
  const Index row_bytes = array.cols * size_of(*dtype);
  array.read_rows = [bytes, row_bytes](Index first, Index count, std::byte* out) {
    for (Index i = 0; i < count * row_bytes; ++i) {
      const auto at = static_cast<std::size_t>(first * row_bytes + i);
      out[i] = bytes.empty() ? std::byte{0} : static_cast<std::byte>(bytes[at % bytes.size()]);
    }
  };
  return array;
}

// Decoding one row alone gives the same bits as decoding all rows.
void require_same_rows(const EncodedMatrix& matrix) {
  if (matrix.rows() < 1 || matrix.cols() < 1 || matrix.rows() > kMostEntries / matrix.cols()) return;
  if (matrix.structure() == "product" || matrix.structure() == "low_rank" || matrix.structure() == "subspaces") {
    (void)read_all(matrix);  // products round differently for other row blocks
    return;
  }
  const Matrix<float> all = read_all(matrix);
  Matrix<float> last(1, matrix.cols());
  const Index index = matrix.rows() - 1;
  matrix.decode_rows(std::span(&index, 1), last.view());
  if (std::memcmp(last.data(), all.row(index).data(), sizeof(float) * last.row(0).size()) != 0) std::abort();
}

// The tensor has the entries of the matrix.
void require_shape_of(const EncodedMatrix& matrix, const std::vector<Index>& shape) {
  const TensorDeclaration tensor{.name = "", .dtype = DType::f32, .shape = shape};
  if (matrix_rows(tensor) != matrix.rows() || shape.back() != matrix.cols()) std::abort();
}

}  // namespace

// Input: a line of JSON {"spec": specification, "arrays": {name: [dtype, rows, cols]}}, then the bytes of the arrays.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = input.find('\n');
  const auto bytes = line == input.npos ? std::string_view() : input.substr(line + 1);
  try {
    const Json description = parse_json_object(input.substr(0, line), "input");
    const Json spec = description.value("spec", Json()), arrays = description.value("arrays", Json::object());
    if (!arrays.is_object()) return 0;
    const auto lookup = [&](std::string_view name) { return declared_array(arrays, name, bytes); };
    const auto matrix = encoded_matrix_from_tensors(spec, lookup);
    require_same_rows(*matrix);
    require_shape_of(*matrix, tensor_shape(spec));
  } catch (const IoError&) {
  }
  return 0;
}
