// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_product.hpp"
#include "loewner/codec/product.hpp"

namespace loewner::detail {

/// Products x W^T with W = left right: first x right^T in float32, then the product with the left factor in bytes.
class FactoredProduct final : public EncodedProduct {
 public:
  /// Takes a product of matrices, which must outlive this object, and the product of vectors with its left factor.
  FactoredProduct(const Product& product, std::unique_ptr<EncodedProduct> by_left)
      : product_(product), by_left_(std::move(by_left)) {}

  Index inputs() const override { return product_.cols(); }
  Index outputs() const override { return product_.rows(); }
  void apply(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y, int threads) const override;
  bool is_preferable() const override;

 private:
  const Product& product_;
  std::unique_ptr<EncodedProduct> by_left_;
};

}  // namespace loewner::detail
