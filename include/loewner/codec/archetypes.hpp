// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rows as scaled mixtures of a few of k archetypes, plus what codes keep of the rest.
///
/// Row i is s_i sum_m w_im / 255 V[c_im] with whole weights w_im >= 0 that add up to 255, archetypes V in halves and
/// s_i a half times 2^scale_exponent; a residual adds its own row i. Which archetypes a token is made of can be read
/// off.
class Archetypes final : public EncodedMatrix {
 public:
  static constexpr Index kMostArchetypes = 1 << 16;
  static constexpr Index kMostPerRow = 255;
  static constexpr int kWeightSum = 255;

  /// The shape: k archetypes, of which every row mixes `per_row` (t).
  struct Shape {
    Index rows = 0, cols = 0;
    Index count = 0;    ///< in [1, 65536]
    Index per_row = 0;  ///< in [1, 255]
    int scale_exponent = 0;

    Index index_bytes() const { return count <= 256 ? 1 : 2; }
    /// Without the residual.
    Index bytes() const { return rows * (per_row * (index_bytes() + 1) + 2) + 2 * count * cols; }
  };

  /// What is stored besides the residual, rows one after another.
  struct Arrays {
    std::vector<std::uint16_t> archetypes;  ///< halves, count x cols
    std::vector<std::uint8_t> indices;      ///< rows x (per_row index_bytes), the low byte first
    std::vector<std::uint8_t> weights;      ///< rows x per_row
    std::vector<std::uint16_t> scales;      ///< halves, one for each row
  };

  /// The residual may be nullptr.
  Archetypes(const Shape& shape, Arrays arrays, std::unique_ptr<EncodedMatrix> residual);
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// The same with this residual, of the same shape.
  std::unique_ptr<Archetypes> with_residual(std::unique_ptr<EncodedMatrix> residual) const;

  const Shape& shape() const { return shape_; }

  std::string_view structure() const override { return "archetypes"; }
  Index rows() const override { return shape_.rows; }
  Index cols() const override { return shape_.cols; }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;

 private:
  void add_mixture(Index row, std::span<float> out) const;

  Shape shape_;
  std::shared_ptr<const Arrays> arrays_;
  Matrix<float> archetypes_;
  std::shared_ptr<const EncodedMatrix> residual_;
};

/// Every row as the scaled mixture of at most `per_row` of these archetypes that comes nearest; no residual.
///
/// Shapes    a: n x d; archetypes: k x d.
/// Method    scaled convex_code against the archetypes in halves; weights to multiples of 1/255 by largest remainders,
///           then the scale by least squares.
/// Cost      that of convex_code.
/// Random    none; the same bytes for any number of threads.
/// Errors    InvalidArgument when k is not in [1, 65536], per_row not in [1, 255], or an entry is not finite or beyond
///           the largest half.
std::unique_ptr<Archetypes> encode_archetypes(const RowSource& a, MatrixView<const float> archetypes, Index per_row);

}  // namespace loewner
