// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

std::optional<Index> byte_count(const TensorDeclaration& tensor) {
  std::optional<Index> bytes = size_of(tensor.dtype);
  for (const Index size : tensor.shape) {
    bytes = checked_product(*bytes, size);
    if (!bytes) return std::nullopt;
  }
  return bytes;
}

}  // namespace loewner
