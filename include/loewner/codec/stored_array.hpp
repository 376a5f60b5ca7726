// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "loewner/base/number_format.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/model/safetensors.hpp"

namespace loewner {

/// A two-dimensional array of a file that exists or will be written.
///
/// `read_rows` produces the bytes of rows from memory, from a file or by computation. Several
/// threads call it at the same time.
struct StoredArray {
  std::string name;  ///< within its matrix, such as "left", or the full name of a tensor
  DType dtype = DType::f32;
  Index rows = 0;
  Index cols = 0;
  std::function<void(Index first, Index count, std::byte* out)> read_rows;
  std::vector<Index> shape{};         ///< of the tensor in the file; empty: rows x cols
  const std::byte* memory = nullptr;  ///< all rows, if they lie in memory as long as read_rows

  Index bytes() const { return rows * cols * size_of(dtype); }
};

/// An array of the float32 rows of `values`, rounded to `dtype` when they are read.
///
/// Shapes    values: n x d; result: n x d.
/// Method    nothing is read now. read_rows() reads rows of `values` and rounds them.
/// Cost      O(1). Reading: that of `values`.
/// Accuracy  rounded to nearest even; exact for F32 and F64.
/// Errors    InvalidArgument unless is_float_readable(dtype).
StoredArray stored_as(std::string name, std::shared_ptr<const RowSource> values, DType dtype);

/// A tensor of a file as an array.
///
/// Shapes    result: the shape of the tensor.
/// Method    nothing is read now. read_rows() reads bytes of the file, in its type.
/// Cost      O(1). Reading: one positioned read for each call.
/// Accuracy  exact.
/// Errors    IoError unless the tensor has two dimensions.
StoredArray stored_in(std::shared_ptr<const SafetensorsFile> file, const TensorInfo& tensor);

/// The rows of an array of floating-point numbers as float32.
///
/// Shapes    result: the shape of the array.
/// Method    nothing is read now. read_rows() reads rows of the array and converts them with
///           decode_to_float().
/// Cost      O(1). Reading: that of the array.
/// Accuracy  exact; F64 is rounded to nearest.
/// Errors    IoError if the array has another type.
std::shared_ptr<const RowSource> stored_rows(StoredArray array);

/// The type of an array in a number format.
///
/// Errors    none.
DType dtype_of(NumberFormat format);

}  // namespace loewner
