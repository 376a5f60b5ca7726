// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rows as scaled convex mixtures of few of k archetypes, plus a coded residual.
///
/// Row i is  s_i sum_m w_im / 255 V[c_im]  plus row i of the residual. The weights w_im >= 0 are
/// integers with sum 255, the archetypes V are halves, and s_i is a half times 2^scale_exponent.
/// The indices c_im say which archetypes a token consists of.
class Archetypes final : public EncodedMatrix {
 public:
  static constexpr Index kMostArchetypes = 1 << 16;
  static constexpr Index kMostPerRow = 255;
  static constexpr int kWeightSum = 255;

  /// Sizes of the arrays: k archetypes, `per_row` of them in every row.
  struct Shape {
    Index rows = 0, cols = 0;
    Index count = 0;    ///< in [1, 65536]
    Index per_row = 0;  ///< in [1, 255]
    int scale_exponent = 0;

    Index index_bytes() const { return count <= 256 ? 1 : 2; }
    /// Bytes of the arrays without the residual.
    Index bytes() const { return rows * (per_row * (index_bytes() + 1) + 2) + 2 * count * cols; }
  };

  /// The arrays without the residual, row by row.
  struct Arrays {
    std::vector<std::uint16_t> archetypes;  ///< halves, count x cols
    std::vector<std::uint8_t> indices;      ///< rows x (per_row * index_bytes), low byte first
    std::vector<std::uint8_t> weights;      ///< rows x per_row
    std::vector<std::uint16_t> scales;      ///< halves, one for each row
  };

  /// Takes the arrays of this shape, and a residual or nullptr.
  ///
  /// Errors    InvalidArgument unless the residual is rows x cols.
  Archetypes(const Shape& shape, Arrays arrays, std::unique_ptr<EncodedMatrix> residual);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// The same mixtures with another residual, rows x cols or nullptr.
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

/// Encodes every row by the nearest scaled convex mixture of at most t archetypes:
/// min ||a_i - s_i w_i^T V||^2  over s_i and convex w_i with at most t entries; no residual.
///
/// Shapes    a: n x d; archetypes V: k x d; t = per_row.
/// Method    scaled convex_code against the archetypes in halves. Largest remainders round the
///           weights to multiples of 1/255, then least squares gives the scale.
/// Cost      that of convex_code.
/// Accuracy  that of convex_code, plus the rounding of weights, archetypes and scales.
/// Random    none. The same bytes for any number of threads.
/// Errors    InvalidArgument if k is not in [1, 65536] or per_row not in [1, 255], or if an entry
///           is not finite or exceeds the largest half.
std::unique_ptr<Archetypes> encode_archetypes(const RowSource& a, MatrixView<const float> archetypes, Index per_row);

}  // namespace loewner
