// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rows whose entries are entropy-coded: multiples of a step along a path of the trellis. Weak
/// entries take less than a bit, and most of them none.
///
/// Entry k of row i is  s_i n_ik: the row has a step s_i, and n_ik is an integer. How likely each
/// integer is follows from a scale of the row and one of the column. The bytes of a few rows are
/// one stream, so decoding a row means decoding those before it in its stream.
class EntropyCodes final : public EncodedMatrix {
 public:
  static constexpr Index kMostCols = 16384;

  /// The stored arrays.
  struct Arrays {
    StoredArray codes;                     ///< U8: the streams one after another
    std::vector<std::uint8_t> lengths;     ///< of the streams, two bytes each, the low one first
    std::vector<std::uint8_t> col_scales;  ///< of the columns, 2^(1/4) apart; 0 is the largest
  };

  /// Takes the arrays. rows_of_stream: of all streams but the last.
  EntropyCodes(Index rows, Index rows_of_stream, int scale_exponent, Arrays arrays);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  std::string_view structure() const override { return "entropy_codes"; }
  Index rows() const override { return rows_; }
  Index cols() const override { return static_cast<Index>(arrays_.col_scales.size()); }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;

  /// Errors    IoError if a stream is damaged, for this and decode_rows().
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;

  /// Mean bits of an entry: those of the streams.
  double mean_bits() const;

 private:
  // Decodes the rows of a stream before `last`, and keeps those from `first` on.
  void decode_stream(Index stream, Index first, Index last, MatrixView<float> out) const;

  Index rows_, rows_of_stream_;
  int scale_exponent_;
  Arrays arrays_;
  std::vector<Index> offsets_;  // of each stream, and the total
};

/// Options of encode_entropy_codes().
struct EntropyCodesOptions {
  std::span<const double> row_weights{};  ///< n values > 0; empty: all ones
  Index max_bytes = 0;                    ///< of the arrays
};

/// Encodes a matrix as entropy codes of at most max_bytes with a small weighted squared error
/// sum_i w_i ||a_i - b_i||^2.
///
/// Shapes    a: n x d, d <= EntropyCodes::kMostCols.
/// Method    entropy-coded trellis quantization [FischerWang1992] with the 256-state code of
///           [Ungerboeck1987] and one step, over the square root of the weight, for all rows. The
///           Viterbi algorithm finds the path with the least error plus price of its bits;
///           asymmetric numeral systems [Duda2014] code its symbols with tables trained on Gaussian
///           entries. The step comes from entropy_codes_curve(), then from a sample of the streams;
///           streams whose rows change their step are encoded again until the bytes fit.
/// Cost      about 500 n d operations in vector registers, and some tenths of it again until the
///           bytes fit. Memory: the codes.
/// Accuracy  entropy_codes_curve() predicts the error.
/// Random    none; the same bytes for any number of threads and on every processor.
/// Errors    BudgetError if max_bytes is too small for rows of zeros. InvalidArgument on a
///           non-finite entry, on too many columns, or if max_bytes lets a stream become longer
///           than 65535 bytes.
std::unique_ptr<EntropyCodes> encode_entropy_codes(const RowSource& a, const EntropyCodesOptions& options);

/// Predicted size and error of encode_entropy_codes().
struct EntropyCodesRate {
  Index cols;    ///< how many of the columns are worth their price
  Index bytes;   ///< of the arrays for these columns
  double error;  ///< relative weighted squared error, that of the other columns included
};

/// Predicts size and error of encode_entropy_codes() at `points` sizes, from nearly no bytes to
/// about 12 bits for an entry.
///
/// Shapes    energies: n values w_i ||a_i||^2; variances: of d columns, in decreasing order;
///           bytes_of_column: what each column costs elsewhere, such as a stored direction.
/// Method    the entries are Gaussian with variance energy times share of the column. The bits and
///           errors of each variance are those that the training of the tables measured.
/// Cost      O(n + d), and some 10^5 operations for each point.
/// Accuracy  within about 5 % of the measured error.
/// Random    none.
/// Errors    none.
std::vector<EntropyCodesRate> entropy_codes_curve(std::span<const double> energies, std::span<const double> variances,
                                                  Index bytes_of_column, int points);

}  // namespace loewner
