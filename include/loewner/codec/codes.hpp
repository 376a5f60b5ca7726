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

/// Rows rotated, scaled to unit variance and quantised with 0 ... 8 bits an entry, each row on its own step of a
/// CodeLadder.
///
/// Band g of row i is s_i size_g R_g^-1 q_ig with R_g a Rotation, q_ig what TrellisQuantizer decodes (0 where the step
/// gives the band no bits) and s_i a half times 2^scale_exponent; a row of step 0 is s_i times one vector that all of
/// them share. Any row is decoded by itself.
class Codes final : public EncodedMatrix {
 public:
  /// What is stored. Rows of `codes` follow each other without gaps, in the order of the matrix.
  struct Arrays {
    StoredArray codes;                  ///< U8, sum of the rows' bytes x 1
    std::vector<std::uint16_t> scales;  ///< halves, one for each row
    std::vector<std::uint8_t> bits;     ///< the step of each row: its bits where the ladder is plain
    std::vector<std::uint16_t> shared;  ///< halves, one for each column; empty when no row is on step 0
  };

  Codes(CodeLadder ladder, std::uint64_t seed, int scale_exponent, Arrays arrays);
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// Bytes of all arrays for rows of `code_bytes` in all; shared: whether there are rows on step 0.
  static Index bytes_at(Index rows, Index cols, Index code_bytes, bool shared);

  std::string_view structure() const override { return "codes"; }
  Index rows() const override { return static_cast<Index>(arrays_.bits.size()); }
  Index cols() const override { return ladder_.cols(); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;

  /// Mean bits of an entry, without scales and metadata.
  double mean_bits() const;

 private:
  Index offset_of(Index row) const;
  void decode_row(Index row, const std::uint8_t* planes, std::span<float> out) const;

  CodeLadder ladder_;
  std::vector<Rotation> rotations_;  // of each band
  std::uint64_t seed_;
  int scale_exponent_;
  Arrays arrays_;
  std::vector<float> shared_row_;
  std::vector<Index> anchors_;  // offset of every 32nd row
};

/// What encode_codes must achieve.
struct CodesOptions {
  std::span<const double> row_weights{};  ///< n values > 0, or empty
  Index max_bytes = 0;                    ///< of the arrays
  std::uint64_t seed = 0;
  std::optional<CodeLadder> ladder{};  ///< of d columns; none: the plain one
};

/// Codes of a matrix within a number of bytes.
///
/// Shapes    a: n x d.
/// Method    steps of the rows by BitAllocation on w_i ||a_i||^2; scales by least squares after quantising.
/// Cost      about 400 n d operations in vectors; memory: the codes and some 100 KB a thread.
/// Random    the rotations' signs, from seed, seed + 1, ... for the bands; the same bytes for any number of threads and
///           on every processor.
/// Errors    BudgetError when max_bytes has no room for rows on step 0; InvalidArgument on a non-finite entry or a
///           ladder of other than d columns.
std::unique_ptr<Codes> encode_codes(const RowSource& a, const CodesOptions& options);

/// Predicted bytes and relative weighted squared error of encode_codes, from the rows' energies (row_energies) alone:
/// some 10 % above the measured error at the low end, where the shared row helps, and within some 2 % elsewhere.
struct CodesRate {
  Index bytes;
  double error;
  int highest_step;  ///< of any row
};
std::vector<CodesRate> codes_curve(std::span<const double> energies, const CodeLadder& ladder, int points);

}  // namespace loewner
