// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Which product with W (rows x cols) is meant.
enum class ProductSide {
  transposed,  ///< x W^T, as in a linear layer
  plain,       ///< x W
};

/// Products of vectors with an encoded matrix in 8-bit integers. W stays encoded: panels of it are
/// decoded to integers while they are multiplied.
///
/// Method    rotate each vector as the codes are rotated, round it to multiples of largest / 127,
///           multiply by the trellis levels in steps of largest / 127, scale the exact integer sums
///           back. Each band of codes has its own largest entry. Integers are not rotated, so a
///           second byte of each entry rounds what the first leaves. The right factor of a product
///           is multiplied in float32.
/// Cost      one decoding of W for up to 1024 vectors; per vector rows x cols products of bytes and
///           its rotations. Memory: 24 bytes a coded vector of W, and a panel of 64 outputs for
///           each thread.
/// Accuracy  the rounding of W adds .15 % to the squared error of codes of 3 bits, .9 % at 4, 5 %
///           at 5 and 23 % at 6. The rounding of a Gaussian vector of 384 entries has a relative
///           squared error of 5e-5. A vector with an entry that is not finite, or whose largest
///           entry is outside [2^-100, 2^100], is multiplied by W in float32. Integers of 8 bits
///           are exact; 4 bits are rounded to 255 levels of their group, which adds .4 %.
/// Random    none; the same bits for any number of threads and, but for the right factor of a
///           product, on every processor.
class EncodedProduct {
 public:
  virtual ~EncodedProduct() = default;

  virtual Index inputs() const = 0;
  virtual Index outputs() const = 0;

  /// y = the product, with a bias added to each row, on up to this many threads.
  ///
  /// Shapes    x: m x inputs, bias: outputs, or empty for none, y: m x outputs.
  /// Errors    InvalidArgument on other shapes.
  virtual void apply(MatrixView<const float> x, std::span<const float> bias, MatrixView<float> y,
                     int threads) const = 0;

  /// Whether products are expected to be at least as fast as those of the decoded matrix on this
  /// processor, and about as accurate: from AVX2 on, codes of up to 6 bits an entry whose inputs
  /// are rotated, and products with at least 16 rows for each column (heads that share a table,
  /// about as fast from 128 vectors on); integers from AVX-512 VNNI on.
  virtual bool is_preferable() const = 0;
};

/// Products with a matrix, which must outlive the result. None if it has no such product. Codes in
/// one band have both, and input_codes that with the inputs on the side of x. These have x W^T:
/// codes in bands, joined codes, integers in one group a row, integers of 4 bits in groups of
/// multiples of 64 entries, and a product whose left factor is one of these. None with more than
/// 65536 inputs.
///
/// Shapes    w: rows x cols; inputs and outputs of the product as `side` says.
/// Method    points into the array of codes if it lies in memory, otherwise copies it.
/// Cost      one pass over the bits and scales of the coded vectors.
/// Accuracy  nothing is rounded here; see EncodedProduct.
/// Random    none
/// Errors    none
std::unique_ptr<EncodedProduct> encoded_product(const EncodedMatrix& w, ProductSide side);

}  // namespace loewner
