// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loewner/codec/code_ladder.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/codec/rotation.hpp"

namespace loewner {

/// Rows that are rotated, scaled to unit variance and quantized with 0 to 8 bits per entry. Each
/// row has its own step of a CodeLadder.
///
/// Band g of row i is  s_i size_g R_g^-1 q_ig.  R_g is a Rotation, and TrellisQuantizer decodes
/// q_ig (0 if the step gives the band no bits). The scale s_i is a half times 2^scale_exponent, or
/// 2^(scale_exponent + c / 8) with c in [1, 255]. Rows on step 0 are multiples s_i of one vector,
/// the shared row, or zero without it. Every row is decoded independently.
class Codes final : public EncodedMatrix {
 public:
  /// The stored arrays. The rows of `codes` follow each other in order and without gaps.
  struct Arrays {
    StoredArray codes;                     ///< U8, total bytes of all rows x 1
    std::vector<std::uint16_t> scales;     ///< halves, one for each row; empty in joined form
    std::vector<std::uint8_t> log_scales;  ///< codes of the scales of joined form, one for each row
    std::vector<std::uint8_t> bits;        ///< the step of each row; for a plain ladder its bits
    std::vector<std::uint16_t> shared;     ///< halves, one for each column; may be empty
  };

  /// Takes the arrays. In joined form all bands but the last have a multiple of 8 columns.
  Codes(CodeLadder ladder, std::uint64_t seed, int scale_exponent, Arrays arrays);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// Bytes of all arrays. code_bytes: of all rows; shared: whether any row is on step 0.
  static Index bytes_at(Index rows, Index cols, Index code_bytes, bool shared, CodesForm form = CodesForm::separate);

  CodesForm form() const { return arrays_.log_scales.empty() ? CodesForm::separate : CodesForm::joined; }
  std::string_view structure() const override;
  Index rows() const override { return static_cast<Index>(arrays_.bits.size()); }
  Index cols() const override { return ladder_.cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;

  /// Mean bits of an entry without scales and metadata.
  double mean_bits() const;

  const CodeLadder& ladder() const { return ladder_; }
  std::uint64_t seed() const { return seed_; }
  int scale_exponent() const { return scale_exponent_; }
  const Arrays& arrays() const { return arrays_; }
  /// The first byte of a row in the array of codes.
  Index offset_of(Index row) const;
  float scale_of(Index row) const;
  /// The shared row, widened; empty without one.
  std::span<const float> shared_row() const { return shared_row_; }

 private:
  void decode_row(Index row, const std::uint8_t* planes, std::span<float> out) const;

  CodeLadder ladder_;
  std::vector<Rotation> rotations_;  // of each band
  std::uint64_t seed_;
  int scale_exponent_;
  Arrays arrays_;
  std::vector<float> shared_row_;
  std::vector<Index> anchors_;  // offset of every 32nd row
};

/// Options of encode_codes().
struct CodesOptions {
  std::span<const double> row_weights{};  ///< n values > 0; empty: all ones
  Index max_bytes = 0;                    ///< of the arrays
  std::uint64_t seed = 0;
  std::optional<CodeLadder> ladder{};  ///< for d columns; none: the plain ladder
  CodesForm form = CodesForm::separate;
};

/// Encodes a matrix as codes of at most max_bytes with a small weighted squared error
/// sum_i w_i ||a_i - b_i||^2.
///
/// Shapes    a: n x d.
/// Method    BitAllocation on w_i ||a_i||^2 gives the step of each row. TrellisQuantizer encodes
///           the rotated rows. In separate form least squares then gives their scales; in joined
///           form the row is divided by a stored scale before.
/// Cost      about 400 n d operations in vector registers. Memory: the codes, and about 100 KB for
///           each thread.
/// Accuracy  codes_curve() predicts the error.
/// Random    signs of the rotations, from seed, seed + 1, ... for the bands. The same bytes for any
///           number of threads and on every processor.
/// Errors    BudgetError if max_bytes is too small for all rows on step 0. InvalidArgument on a
///           non-finite entry, or if the ladder does not have d columns and at most 16 steps.
std::unique_ptr<Codes> encode_codes(const RowSource& a, const CodesOptions& options);

/// Predicted size and error of encode_codes().
struct CodesRate {
  Index bytes;
  double error;      ///< relative weighted squared error
  int highest_step;  ///< of any row
};

/// Predicts size and error of encode_codes() at points + 1 sizes, from no bits to the last step of
/// the ladder.
///
/// Shapes    energies: n values w_i ||a_i||^2 of row_energies().
/// Method    BitAllocation with the distortion of the ladder.
/// Cost      O(n log n) for n rows, and O(log n) for each point.
/// Accuracy  within about 2 % of the measured error. At the smallest sizes about 10 % too high,
///           because the gain of the shared row is left out.
/// Errors    none.
std::vector<CodesRate> codes_curve(std::span<const double> energies, const CodeLadder& ladder, int points);

}  // namespace loewner
