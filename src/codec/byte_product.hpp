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

/// Begins to bring a row into the cache. The processor foresees steps within a row, not those from row to row.
inline void fetch(std::span<const float> row) {
  constexpr std::size_t kCacheLine = 64;
  for (std::size_t i = 0; i < row.size(); i += kCacheLine / sizeof(float)) __builtin_prefetch(row.data() + i);
}

/// x += factor y, `count` entries.
void add_multiple(float* x, float factor, const float* y, Index count);

/// <x, y>, and the sum of x, in float64.
float dot(std::span<const float> x, std::span<const float> y);
float sum(std::span<const float> x);

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
