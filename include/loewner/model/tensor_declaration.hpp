// SPDX-License-Identifier: Apache-2.0
#pragma once

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

/// Bytes of the data; nothing when a size is negative, the product overflows, or elements smaller
/// than a byte do not fill whole bytes.
///
/// Errors    none.
std::optional<Index> byte_count(const TensorDeclaration& tensor);

}  // namespace loewner
