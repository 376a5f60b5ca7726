// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "loewner/base/row_source.hpp"
#include "loewner/codec/stored_array.hpp"
#include "loewner/model/json.hpp"

namespace loewner {

/// A matrix W (rows x cols) in an encoding that takes fewer bytes: the central type of the library.
///
/// One class per structure; nothing else may switch on the kind. Reading rows decodes them (RowSource), so an encoding
/// serves wherever a matrix does: its errors are measured by the same pass over rows as those of any other
/// approximation.
class EncodedMatrix : public RowSource {
 public:
  /// The name of the structure in files, as in the registry of structures.hpp.
  virtual std::string_view structure() const = 0;

  /// The arrays to store. They refer to this matrix, which must outlive them.
  virtual std::vector<StoredArray> to_tensors() const = 0;

  /// The structure's own fields of the JSON specification (docs/format.md), besides structure, rows and cols.
  virtual Json spec_fields() const = 0;

  /// Rows of the given indices (each in [0, rows)), decoded into out (indices.size() x cols).
  virtual void decode_rows(std::span<const Index> indices, MatrixView<float> out) const;

  /// y = x W^T for x: m x cols, y: m x rows. The default decodes by row blocks.
  virtual void apply(MatrixView<const float> x, MatrixView<float> y) const;

  /// Names of the arrays that a refit may replace (compress/refit.hpp): factors whose entries can take any value. By
  /// default none.
  virtual std::vector<std::string_view> refittable_arrays() const { return {}; }

  /// Bytes of the stored arrays, without names and specification.
  Index bytes() const;

  /// The whole specification: structure, rows, cols and spec_fields().
  Json spec() const;
};

/// Finds a stored array by its name; IoError when there is none.
using ArrayLookup = std::function<StoredArray(std::string_view name)>;

}  // namespace loewner
