// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "loewner/base/number_format.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/model/safetensors.hpp"

namespace loewner {

/// A two-dimensional array as it stands, or will stand, in a file.
///
/// The bytes are produced by rows when they are asked for, from memory, from a file or computed on the way; `read_rows`
/// is called from several threads at once.
struct StoredArray {
  std::string name;  ///< within its matrix ("left"), or the full name of a tensor
  DType dtype = DType::f32;
  Index rows = 0;
  Index cols = 0;
  std::function<void(Index first, Index count, std::byte* out)> read_rows;

  Index bytes() const { return rows * cols * size_of(dtype); }
};

/// The float32 rows of `values`, rounded to `dtype` as they are read; InvalidArgument unless is_float_readable(dtype).
StoredArray stored_as(std::string name, std::shared_ptr<const RowSource> values, DType dtype);

/// A tensor of a file; IoError unless it has two dimensions.
StoredArray stored_in(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& tensor);

/// A stored floating-point array as float32 rows. IoError when it holds no floating-point numbers.
std::shared_ptr<const RowSource> stored_rows(StoredArray array);

/// The stored type of a number format.
DType dtype_of(NumberFormat format);

}  // namespace loewner
