// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors.hpp"

#include "base/file.hpp"
#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

// Assembled byte by byte: the prefix is little-endian whatever the machine.
std::uint64_t read_header_length(const detail::File& file) {
  std::byte prefix[kSafetensorsPrefixBytes];
  file.read_exact(0, prefix);
  std::uint64_t length = 0;
  for (Index i = kSafetensorsPrefixBytes; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(prefix[i]);
  return length;
}

std::string read_header_text(const detail::File& file) {
  const std::string name = file.path().string();
  const Index rest = file.size() - kSafetensorsPrefixBytes;
  if (rest < 0)
    throw IoError(name + ": must begin with 8 bytes of header length, got " + std::to_string(file.size()) + " bytes");
  const std::uint64_t length = read_header_length(file);
  if (length > static_cast<std::uint64_t>(kMaxSafetensorsHeaderBytes)) {
    throw IoError(name + ": header must have at most " + std::to_string(kMaxSafetensorsHeaderBytes) + " bytes, got " +
                  std::to_string(length));
  }
  if (length > static_cast<std::uint64_t>(rest)) {
    throw IoError(name + ": header must lie within the file, got a header of " + std::to_string(length) +
                  " bytes and " + std::to_string(rest) + " bytes after its length");
  }
  std::string text(length, '\0');
  file.read_exact(kSafetensorsPrefixBytes, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

struct SafetensorsFile::Source {
  detail::File file;
  Index data_start = 0;
};

SafetensorsFile::SafetensorsFile(std::filesystem::path path, std::unique_ptr<Source> source)
    : path_(std::move(path)), source_(std::move(source)) {
  file_bytes_ = source_->file.size();
  header_text_ = read_header_text(source_->file);
  source_->data_start = kSafetensorsPrefixBytes + static_cast<Index>(header_text_.size());
  header_ = parse_safetensors_header(header_text_, file_bytes_ - source_->data_start, path_.string());
  by_name_.reserve(header_.tensors.size());
  for (const auto& tensor : header_.tensors) by_name_.emplace(tensor.name, &tensor);
}

SafetensorsFile::~SafetensorsFile() = default;

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  auto source = std::make_unique<Source>(Source{.file = detail::File::open_for_reading(path)});
  return std::shared_ptr<const SafetensorsFile>(new SafetensorsFile(path, std::move(source)));
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

void SafetensorsFile::read(const TensorInfo& tensor, Index offset, std::span<std::byte> out) const {
  require(offset >= 0 && offset <= tensor.bytes() && static_cast<Index>(out.size()) <= tensor.bytes() - offset, [&] {
    return "tensor " + detail::quoted(tensor.name) + " has " + std::to_string(tensor.bytes()) + " bytes, asked for " +
           std::to_string(out.size()) + " from " + std::to_string(offset);
  });
  source_->file.read_exact(source_->data_start + tensor.begin + offset, out);
}

void SafetensorsFile::will_need(const TensorInfo& tensor) const {
  source_->file.will_need(source_->data_start + tensor.begin, tensor.bytes());
}

TensorRows::TensorRows(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& tensor)
    : file_(std::move(file)), tensor_(tensor) {
  const auto rows = matrix_rows(tensor);
  require(rows.has_value() && is_float_readable(tensor.dtype), [&] {
    return "tensor " + detail::quoted(tensor.name) +
           " must be a matrix, or several in 3 dimensions, of floating-point numbers of 8 bits or more, got " +
           std::to_string(tensor.shape.size()) + " dimensions of " + std::string(to_string(tensor.dtype));
  });
  rows_ = *rows;
}

MatrixView<const float> TensorRows::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  if (buffer.rows() != count || buffer.cols() != cols()) buffer = Matrix<float>::uninitialized(count, cols());
  const std::span<float> values(buffer.data(), static_cast<std::size_t>(count * cols()));
  const Index row_bytes = cols() * size_of(tensor_.dtype);
  if (tensor_.dtype == DType::f32) {
    file_->read(tensor_, first * row_bytes, std::as_writable_bytes(values));
  } else {
    auto stored = Matrix<std::byte>::uninitialized(count, row_bytes);
    file_->read(tensor_, first * row_bytes, {stored.data(), static_cast<std::size_t>(count * row_bytes)});
    decode_to_float(stored.data(), tensor_.dtype, values);
  }
  return buffer.view();
}

}  // namespace loewner
