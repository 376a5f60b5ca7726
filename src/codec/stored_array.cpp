// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/stored_array.hpp"

#include <cstring>
#include <utility>
#include <vector>

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

class StoredRows final : public RowSource {
 public:
  explicit StoredRows(StoredArray array) : array_(std::move(array)) {}
  Index rows() const override { return array_.rows; }
  Index cols() const override { return array_.cols; }

  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    if (buffer.rows() != count || buffer.cols() != array_.cols) {
      buffer = Matrix<float>::uninitialized(count, array_.cols);
    }
    const std::span<float> values(buffer.data(), static_cast<std::size_t>(count * array_.cols));
    if (array_.dtype == DType::f32) {
      array_.read_rows(first, count, reinterpret_cast<std::byte*>(buffer.data()));
    } else {
      std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(size_of(array_.dtype)));
      array_.read_rows(first, count, bytes.data());
      decode_to_float(bytes.data(), array_.dtype, values);
    }
    return std::as_const(buffer).view();
  }

 private:
  StoredArray array_;
};

void encode_from_float(std::span<const float> values, DType dtype, std::byte* out) {
  switch (dtype) {
    case DType::f32:
      return encode_numbers(values, NumberFormat::f32, out);
    case DType::f16:
      return encode_numbers(values, NumberFormat::f16, out);
    case DType::bf16:
      return encode_numbers(values, NumberFormat::bf16, out);
    default:
      break;
  }
  LOEWNER_ASSERT(dtype == DType::f64);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    std::memcpy(out + i * sizeof(double), &value, sizeof(double));
  }
}

}  // namespace

StoredArray stored_as(std::string name, std::shared_ptr<const RowSource> values, DType dtype) {
  require(is_float_readable(dtype), [&] {
    return "array '" + name + "': a floating-point type is needed, got " + std::string(to_string(dtype));
  });
  StoredArray array{
      .name = std::move(name), .dtype = dtype, .rows = values->rows(), .cols = values->cols(), .read_rows = {}};
  array.read_rows = [values = std::move(values), dtype](Index first, Index count, std::byte* out) {
    Matrix<float> buffer;
    const auto rows = values->read_rows(first, count, buffer);
    const Index row_bytes = rows.cols() * size_of(dtype);
    for (Index i = 0; i < rows.rows(); ++i) encode_from_float(rows.row(i), dtype, out + i * row_bytes);
  };
  return array;
}

StoredArray stored_in(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& tensor) {
  if (tensor.shape.size() != 2) {
    throw IoError(file->path().string() + ": tensor '" + tensor.name + "': two dimensions are needed, got " +
                  std::to_string(tensor.shape.size()));
  }
  StoredArray array{
      .name = tensor.name, .dtype = tensor.dtype, .rows = tensor.shape[0], .cols = tensor.shape[1], .read_rows = {}};
  const Index row_bytes = array.cols * size_of(array.dtype);
  array.read_rows = [file = std::move(file), &tensor, row_bytes](Index first, Index count, std::byte* out) {
    file->read(tensor, first * row_bytes, {out, static_cast<std::size_t>(count * row_bytes)});
  };
  return array;
}

std::shared_ptr<const RowSource> stored_rows(StoredArray array) {
  if (!is_float_readable(array.dtype)) {
    throw IoError("array '" + array.name + "' must hold floating-point numbers, got " +
                  std::string(to_string(array.dtype)));
  }
  return std::make_shared<StoredRows>(std::move(array));
}

DType dtype_of(NumberFormat format) {
  switch (format) {
    case NumberFormat::f32:
      return DType::f32;
    case NumberFormat::f16:
      return DType::f16;
    case NumberFormat::bf16:
      return DType::bf16;
  }
  __builtin_unreachable();
}

}  // namespace loewner
