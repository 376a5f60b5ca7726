// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loewner/model/dtype.hpp"

namespace loewner {

/// Name, type and shape of a tensor (row-major), without its data.
struct TensorDeclaration {
  std::string name;
  DType dtype = DType::f32;
  std::vector<Index> shape;  ///< empty for a scalar
};

/// The rows of the matrix as which a tensor is read: those of a matrix; of several matrices in one
/// tensor (n x a x b), all of them below each other, n a rows. Nothing for other tensors.
///
/// Errors    none.
std::optional<Index> matrix_rows(const TensorDeclaration& tensor);

/// Bytes of the data; nothing when a size is negative, the product overflows, or elements smaller
/// than a byte do not fill whole bytes.
///
/// Errors    none.
std::optional<Index> byte_count(const TensorDeclaration& tensor);

}  // namespace loewner
