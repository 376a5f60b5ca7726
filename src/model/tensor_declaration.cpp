// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {

std::optional<Index> matrix_rows(const TensorDeclaration& tensor) {
  const auto& shape = tensor.shape;
  if (shape.size() == 2) return shape[0];
  return shape.size() == 3 ? checked_product(shape[0], shape[1]) : std::nullopt;
}

std::optional<Index> byte_count(const TensorDeclaration& tensor) {
  const bool shares_bytes = bits_of(tensor.dtype) % 8 != 0;
  std::optional<Index> amount = shares_bytes ? bits_of(tensor.dtype) : size_of(tensor.dtype);
  for (const Index size : tensor.shape) {
    amount = checked_product(*amount, size);
    if (!amount) return std::nullopt;
  }
  if (!shares_bytes) return amount;
  if (*amount % 8 != 0) return std::nullopt;  // the format requires whole bytes
  return *amount / 8;
}

}  // namespace loewner
