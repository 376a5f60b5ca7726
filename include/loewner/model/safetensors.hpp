// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "loewner/base/row_source.hpp"
#include "loewner/model/safetensors_header.hpp"

namespace loewner {

/// A safetensors file, open for reading, its header checked. Reads are positioned (pread), so any
/// number of threads may share one object.
class SafetensorsFile {
 public:
  /// Opens a file and checks its header.
  ///
  /// Cost      reads the header.
  /// Errors    IoError when the file cannot be read or breaks a rule of parse_safetensors_header().
  static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& path);
  ~SafetensorsFile();

  const std::filesystem::path& path() const { return path_; }
  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  Index file_bytes() const { return file_bytes_; }
  /// The bytes of the header in the file, padding included.
  const std::string& header_text() const { return header_text_; }

  /// The tensor of that name, or nullptr.
  const TensorInfo* find(std::string_view name) const;

  /// Fills `out` with the tensor's bytes offset ... offset + out.size() - 1.
  ///
  /// Errors    IoError when the file has become shorter or cannot be read.
  void read(const TensorInfo& tensor, Index offset, std::span<std::byte> out) const;

  /// Asks the system to read the tensor's bytes ahead, and returns at once.
  void will_need(const TensorInfo& tensor) const;

 private:
  struct Source;
  SafetensorsFile(std::filesystem::path path, std::unique_ptr<Source> source);

  std::filesystem::path path_;
  std::unique_ptr<Source> source_;
  Index file_bytes_ = 0;
  std::string header_text_;
  SafetensorsHeader header_;
  std::unordered_map<std::string_view, const TensorInfo*> by_name_;
};

/// A floating-point tensor of a file as rows of float32: a matrix, or the matrices of a 3-D tensor
/// below each other. Each block is read and converted on demand.
class TensorRows final : public RowSource {
 public:
  /// Errors    InvalidArgument unless the tensor has two or three dimensions and
  ///           is_float_readable() accepts its type.
  TensorRows(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& tensor);
  Index rows() const override { return rows_; }
  Index cols() const override { return tensor_.shape.back(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;

 private:
  std::shared_ptr<const SafetensorsFile> file_;
  const TensorInfo& tensor_;  // lives in *file_
  Index rows_ = 0;
};

}  // namespace loewner
