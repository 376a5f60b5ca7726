// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "loewner/base/row_source.hpp"
#include "loewner/codec/stored_array.hpp"
#include "loewner/model/json_fwd.hpp"

namespace loewner {

/// A matrix W (rows x cols) in an encoding with fewer bytes.
///
/// Each structure is one subclass. Reading rows decodes them, so an encoding can be used wherever a
/// RowSource can, for example to measure its error.
class EncodedMatrix : public RowSource {
 public:
  /// The name of the structure in specifications and in the registry of structures.cpp.
  virtual std::string_view structure() const = 0;

  /// The arrays to store. They refer to this matrix, which must outlive them.
  virtual std::vector<StoredArray> to_tensors() const = 0;

  /// The fields of the specification (docs/format.md) that belong to this structure: all fields
  /// except structure, rows and cols.
  virtual Json spec_fields() const = 0;

  /// Decodes the rows of the given indices, each in [0, rows), into out (indices.size() x cols).
  virtual void decode_rows(std::span<const Index> indices, MatrixView<float> out) const;

  /// Decodes all rows. Unlike read_rows(), which may keep what it decodes, this keeps nothing.
  virtual Matrix<float> decode() const;

  /// y = x W^T for x: m x cols and y: m x rows. By default decodes W by row blocks.
  virtual void apply(MatrixView<const float> x, MatrixView<float> y) const;

  /// Names of the arrays that a refit may replace (compress/refit.hpp): factors whose entries can
  /// take any value. By default none.
  virtual std::vector<std::string_view> refittable_arrays() const { return {}; }

  /// Bytes of the stored arrays without their names and the specification.
  Index bytes() const;

  /// The whole specification: structure, rows, cols and spec_fields().
  Json spec() const;
};

/// Finds a stored array by its name. IoError if there is none.
using ArrayLookup = std::function<StoredArray(std::string_view name)>;

}  // namespace loewner
