// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner {

inline constexpr const char* kQuantizationMethod = "loewner";
inline constexpr int kFormatMajor = 1, kFormatMinor = 4;

/// The prefix of the names of a tensor's arrays: "M." for tensor "M.weight"; "T." for a tensor T
/// of another name, and for one whose specification has a field `shape`.
///
/// Errors    none.
std::string array_prefix(const std::string& tensor_name, const Json& spec);

/// One encoded tensor of a checkpoint that this library wrote.
struct EncodedTensor {
  std::string name;                      ///< of the replaced tensor
  std::string place;                     ///< folder and tensor, for error messages
  Json spec;                             ///< docs/format.md
  std::vector<Index> shape;              ///< of the replaced tensor
  std::vector<std::string> array_names;  ///< full names of its stored arrays
  std::unique_ptr<EncodedMatrix> matrix;
};

/// Reads the encoded tensors of an output folder. Their rows are read from the files on demand.
///
/// Method    reads `quantization_config` of config.json and calls encoded_matrix_from_tensors() for
///           each tensor.
/// Cost      reads specifications only.
/// Errors    IoError, naming folder and tensor, when the configuration is not of this format, has a
///           newer major version, or when a specification does not fit the arrays.
std::vector<EncodedTensor> read_encoded_tensors(const Checkpoint& checkpoint);

/// The names of the tensors that the model stored as copies of an encoded tensor, field `tied`.
///
/// Errors    IoError, naming folder and tensor, when the field is not a list of strings.
std::vector<std::string> tied_names(const EncodedTensor& tensor);

/// The type of the replaced tensor, field `source_dtype`.
///
/// Errors    IoError, naming folder and tensor, unless it is F64, F32, F16 or BF16.
DType source_dtype(const EncodedTensor& tensor);

/// The arrays of an encoded matrix under their full names.
///
/// Shapes    result: the shapes of the arrays.
/// Method    EncodedMatrix::to_tensors(), with the prefix before each name.
/// Cost      that of to_tensors().
/// Accuracy  exact.
/// Errors    none.
std::vector<StoredArray> named_arrays(const EncodedMatrix& matrix, const std::string& prefix);

/// Bytes of these tensors in their files, header entries included.
///
/// Method    adds the length of the data and of the JSON entry in the header, with its comma.
/// Cost      O(names); reads no data.
/// Errors    IoError when a tensor does not exist.
Index stored_bytes(const Checkpoint& checkpoint, const std::vector<std::string>& tensor_names);

}  // namespace loewner
