// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

/// The header of a file with these tensors, their data in the same order: length prefix and JSON,
/// padded with spaces to a multiple of 8 bytes.
///
/// Errors    InvalidArgument on a name that is empty, `__metadata__`, not UTF-8 or repeated, on
///           sizes that overflow, and on a header above the format's limit.
std::string safetensors_header(const std::vector<TensorDeclaration>& tensors,
                               const std::map<std::string, std::string>& metadata = {});

/// Bytes of the data of all tensors.
///
/// Errors    InvalidArgument on overflow.
Index data_bytes(const std::vector<TensorDeclaration>& tensors);

/// Writes a safetensors file from front to back, so that no whole tensor needs to be in memory.
///
/// The header comes first, then the tensors' bytes in the order of their declaration. An unfinished
/// file stays on the disk: write to a temporary path and rename the file afterwards.
class SafetensorsWriter {
 public:
  /// Creates the file and writes its header.
  ///
  /// Errors    IoError, naming the path and the system's reason, when the file cannot be created;
  ///           InvalidArgument as safetensors_header().
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<TensorDeclaration>& tensors,
                    const std::map<std::string, std::string>& metadata = {});
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  /// Appends the next bytes of the data.
  ///
  /// Errors    InvalidArgument when they exceed the declared sizes; IoError when writing fails.
  void write(std::span<const std::byte> bytes);

  /// Makes the file durable (fsync of file and folder).
  ///
  /// Errors    InvalidArgument when bytes are missing; IoError when writing fails.
  void finish();

  /// The same without fsync: all readers see the whole file, and the caller makes it durable later.
  void finish_without_sync();

  /// The hash (base/hash64.hpp) of the bytes written so far, header included.
  std::string hash() const;

  /// Bytes of the whole file when finished.
  Index file_bytes() const { return file_bytes_; }

 private:
  void start_sync();

  struct Sink;
  std::unique_ptr<Sink> sink_;
  Index file_bytes_ = 0;
  Index written_ = 0;
  Index syncing_ = 0;  // bytes for which write-back was started
};

}  // namespace loewner
