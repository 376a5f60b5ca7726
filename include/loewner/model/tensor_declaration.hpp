// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "loewner/model/dtype.hpp"

namespace loewner {

/// What a tensor is called and how it is laid out (row-major), without its data.
struct TensorDeclaration {
  std::string name;
  DType dtype = DType::f32;
  std::vector<Index> shape;  ///< empty for a scalar
};

/// Bytes of the data, or nothing when a size is negative or the product does not fit.
std::optional<Index> byte_count(const TensorDeclaration& tensor);

}  // namespace loewner
