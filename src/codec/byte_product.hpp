// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <utility>

#include "loewner/codec/encoded_product.hpp"

namespace loewner::detail {

/// The least multiple of a unit that is not below the count.
inline Index rounded_up(Index count, Index unit) {
  return (count + unit - 1) / unit * unit;
}

/// Mean bits of an entry of codes up to which levels rounded to bytes are about as accurate as the codes.
inline constexpr double kMostPreferredBits = 6;

/// As parallel_for, on up to this many threads.
void for_each_on(int threads, Index count, const std::function<void(Index)>& body);

/// Throws InvalidArgument on shapes that do not fit the product.
void require_shapes(const EncodedProduct& product, MatrixView<const float> x, std::span<const float> bias,
                    MatrixView<const float> y);

/// What all products in bytes share: vectors come in chunks, and those that bytes cannot hold are multiplied in float32.
class ByteProduct : public EncodedProduct {
 public:
  using FloatProduct = std::function<void(MatrixView<const float> x, MatrixView<float> y)>;

  /// in_floats: the product with the decoded matrix.
  explicit ByteProduct(FloatProduct in_floats) : in_floats_(std::move(in_floats)) {}

  void apply(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y, int threads) const final;

 protected:
  /// The product, with the bias, of so few vectors that their bytes stay in the cache beside a panel of weights.
  virtual void apply_to_chunk(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                              int threads) const = 0;
  /// The product in float32 of the rows of x in `which`.
  void multiply_in_floats(MatrixView<const float> x, std::span<const Index> which, MatrixView<float> y) const;

 private:
  FloatProduct in_floats_;
};

}  // namespace loewner::detail
